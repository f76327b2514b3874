"""What the endpoint answers, over HTTPS.

    GET  /v1/root             the authority's own certificate, for whoever asks
    POST /v1/place            {"claim"}: what the box is called; the claim is not used by it
    POST /v1/enrol            {"claim", "request"}: a certificate and the place of the box
    POST /v1/renew            {"request"}, by who shows a good certificate: another one
    GET  /v1/updates/...      signed versions of boxes, for whoever asks (provisioning.updates)
    GET  /v1/access/<ward>    who may use a broker: for the broker of that ward, or "hospital"

Refusals are JSON: error (a stable id) and help (what to do). Whoever does not hold the secret of a
claim learns nothing of any claim; who does, learns why it does not work.
"""

import asyncio
import hashlib
import json
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from central.console.limits import LockedOutError
from central.enrolment import brokers, claims, model, service
from central.enrolment.service import RefusedError
from central.enrolment.settings import Settings
from central.store import Row, Store, StoreUnavailableError, Tx
from central.wards import model as wards
from provisioning.authority import requests
from provisioning.authority.authority import NODE, SERVER, SERVICE, Authority
from provisioning.authority.requests import Request, RequestRefusedError

log = logging.getLogger("wardline.provisioning")

MAX_BODY_BYTES = 32 * 1024
# By this name boxes know the endpoint's certificate, whatever its address.
NAME = "provisioning.wardline"
SERVICES = "Wardline services"
UPDATES = "/v1/updates"
HOSPITAL = "hospital"

HELP = {
    service.CLAIM_UNKNOWN: "This claim is not known. Compare it letter by letter, or make a new one"
    " in the console: Enrolment.",
    service.CLAIM_USED: "This claim was used with another key. If that was not this box, revoke the"
    " box in the console; then make a new claim.",
    service.CLAIM_EXPIRED: "This claim is too old. Make a new one in the console: Enrolment.",
    service.CLAIM_REVOKED: "This claim was taken back. Make a new one in the console: Enrolment.",
    service.CERTIFICATE_REVOKED: "The certificate of this box was revoked. Make a claim for its"
    " place in the console: Enrolment.",
    "request-refused": "The certificate request is not as it must be; the console tells why.",
    "too-many": "Too many wrong claims were tried. Wait.",
    "not-understood": "The request could not be understood: box and centre are of different"
    " versions.",
    "not-stored": "The centre cannot store anything just now. It is tried again.",
    "not-yours": "This certificate may not ask that.",
}
STATUS = {"too-many": 429, "not-understood": 400, "not-stored": 503}


def app(store: Store, authority: Authority, settings: Settings) -> web.Application:
    endpoint = Endpoint(store, authority, settings)
    made = web.Application(client_max_size=MAX_BODY_BYTES)
    made.router.add_get("/v1/root", endpoint.root)
    made.router.add_post("/v1/place", endpoint.place)
    made.router.add_post("/v1/enrol", endpoint.enrol)
    made.router.add_post("/v1/renew", endpoint.renew)
    made.router.add_get("/v1/access/{ward}", endpoint.access)
    settings.updates.mkdir(parents=True, exist_ok=True)
    made.router.add_static(UPDATES, settings.updates)
    return made


def tls(certificate: str, key: str, clients: str) -> ssl.SSLContext:
    """Shows our certificate, and looks at that of a client who has one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(clients)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


class Endpoint:
    """The handlers."""

    def __init__(self, store: Store, authority: Authority, settings: Settings) -> None:
        self._store = store
        self._authority = authority
        self._settings = settings
        self._digest_key = settings.digest_key()

    async def root(self, request: web.Request) -> web.Response:
        return web.Response(text=self._authority.root_pem, content_type="application/x-pem-file")

    async def place(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._name)

    async def enrol(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._enrol)

    async def renew(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._renew)

    async def _answer(
        self, request: web.Request, job: Callable[[web.Request, str], Awaitable[dict[str, Any]]]
    ) -> web.Response:
        address = request.remote or "unknown"
        try:
            return web.json_response(await job(request, address))
        except RefusedError as refused:
            log.warning("%s from %s: %s", request.path, address, refused)
            await self._note(address, refused)
            return _refusal(refused.error_id)
        except LockedOutError as locked:
            await self._note(address, RefusedError("too-many", f"waits {locked.wait_ms} ms"))
            return _refusal("too-many", wait_s=locked.wait_ms // 1000 + 1)
        except StoreUnavailableError as error:
            log.error("nothing can be stored: %s", error)
            return _refusal("not-stored", wait_s=5)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            log.warning("%s from %s is not understood: %r", request.path, address, error)
            return _refusal("not-understood")

    async def _note(self, address: str, refused: RefusedError) -> None:
        try:
            await self._store.write(lambda tx: service.note_refusal(tx, address, refused))
        except StoreUnavailableError as error:
            log.error("a refusal is not noted: %s", error)

    async def _name(self, request: web.Request, address: str) -> dict[str, Any]:
        digest = await self._claimed(await request.json(), address)

        def job(tx: Tx) -> dict[str, Any]:
            row = service.look_up(tx, digest)
            service.forgive_attempt(tx, address)
            return {"node": row["node"]}

        return await self._store.write(job)

    async def _claimed(self, told: Any, address: str) -> str:
        """The digest of the claim that was told, once the attempt is counted."""
        secret = str(told["claim"])
        await self._store.write(lambda tx: service.count_attempt(tx, address))
        return claims.digest(self._digest_key, secret)

    async def _enrol(self, request: web.Request, address: str) -> dict[str, Any]:
        told = await request.json()
        pem = str(told["request"]).encode()
        digest = await self._claimed(told, address)

        def job(tx: Tx) -> dict[str, Any]:
            row = service.look_up(tx, digest)
            asked = self._read(pem, row["node"], row["id"])
            made = service.take(tx, row, asked.key_id, address, self._signer(asked, row))
            if row["role"] == claims.BROKER:
                brokers.came(tx, row)
            service.forgive_attempt(tx, address)
            return self._place(tx, row, made)

        return await self._store.write(job)

    async def _renew(self, request: web.Request, address: str) -> dict[str, Any]:
        shown = _shown(request)
        if shown is None:
            raise RefusedError(service.CERTIFICATE_REVOKED, "no certificate was shown")
        name, serial, _ = shown
        told = await request.json()
        asked = self._read(str(told["request"]).encode(), name)

        def job(tx: Tx) -> dict[str, Any]:
            row = model.certificate(tx, serial)
            claim = None if row is None or row["claim"] is None else model.claim(tx, row["claim"])
            made = service.renew(tx, serial, asked.key_id, self._signer(asked, claim))
            return self._certificate(tx, made, claim)

        return await self._store.write(job)

    def _read(self, pem: bytes, name: str, claim: int | None = None) -> Request:
        try:
            return requests.read(pem, name)
        except RequestRefusedError as error:
            raise RefusedError(error.error_id, f"{name}: {error}", claim) from error

    def _signer(self, asked: Request, claim: Row | None) -> service.Sign:
        """Signs what a claim gives: for a box who it is, for a ward's broker that and the
        server's."""
        if claim is None or claim["role"] != claims.BROKER:
            return lambda name: self._authority.issue(name, asked.key, NODE)
        *_, server = claims.names_of(claim)
        host = json.loads(claim["config"])["host"]

        def sign(name: str) -> claims.Certificate:
            if name == server:
                return self._authority.issue(name, asked.key, SERVER, (host,))
            return self._authority.issue(name, asked.key, SERVICE)

        return sign

    def _certificate(self, tx: Tx, made: Row, claim: Row | None = None) -> dict[str, Any]:
        told = {
            "certificate": made["chain"],
            "root": self._authority.root_pem,
            "ends_ms": made["ends_ms"],
            "now_ms": tx.clock.real_ms(),
        }
        if claim is None or claim["role"] != claims.BROKER:
            return told
        given = model.given(tx, claim["id"])
        _, events, server = claims.names_of(claim)
        revoked = [(each["serial"], each["revoked_ms"]) for each in model.revoked(tx)]
        return told | {
            "role": claims.BROKER,
            "events": given[events],
            "server": given[server],
            "clients": self._authority.clients_pem,
            "revoked": self._authority.revocations(revoked),
        }

    def _place(self, tx: Tx, claim: Row, made: Row) -> dict[str, Any]:
        """All that a box must be told to be what its claim says."""
        ward = claim["ward"]
        if claim["role"] == claims.BROKER:
            hospital = {"host": self._settings.here, "port": self._settings.hospital_port}
            own = {"ward": ward, "broker": json.loads(claim["config"]), "hospital": hospital}
            return self._certificate(tx, made, claim) | own
        beds = [row["bed"] for row in wards.beds(tx, ward) if row["node"] == claim["node"]]
        return self._certificate(tx, made) | {
            "ward": ward,
            "node": claim["node"],
            "role": claim["role"],
            "lang": wards.lang(tx, ward),
            "beds": beds,
            "broker": brokers.place(tx, ward) or self._settings.brokers.get(ward),
            "config": json.loads(claim["config"]),
            "updates_root": self._updates_root(),
        }

    def _updates_root(self) -> str | None:
        """By what the box will know versions that the hospital has signed; None before there are
        keys for them."""
        try:
            return (self._settings.updates / "metadata" / "1.root.json").read_text()
        except FileNotFoundError:
            return None

    async def access(self, request: web.Request) -> web.Response:
        """For keepers. An answer that is the same as the one before is not sent again."""
        ward = request.match_info["ward"]
        shown = _shown(request)
        wanted = "bridge" if ward == HOSPITAL else f"ward-{ward}"
        if shown is None or (shown[0], shown[2]) != (wanted, SERVICES):
            log.warning("%s from %s: not by %s", request.path, request.remote, wanted)
            return _refusal("not-yours")
        tx = self._store.read()
        row = model.certificate(tx, shown[1])
        if row is not None and row["revoked_ms"] is not None:
            return _refusal(service.CERTIFICATE_REVOKED)
        told = service.access(tx, None if ward == HOSPITAL else ward)
        revoked = [(each["serial"], each["revoked_ms"]) for each in model.revoked(tx)]
        mark = hashlib.sha256(json.dumps([told, revoked]).encode()).hexdigest()[:32]
        if request.headers.get("If-None-Match") == mark:
            return web.Response(status=304, headers={"ETag": mark})
        lists = await asyncio.to_thread(self._authority.revocations, revoked)
        return web.json_response(told | {"revoked": lists}, headers={"ETag": mark})


def _shown(request: web.Request) -> tuple[str, str, str] | None:
    """Name, serial and issuer of the certificate that the client showed: one of ours, not ended.
    Whether it was revoked is for the database to say."""
    encrypted = request.transport and request.transport.get_extra_info("ssl_object")
    shown = encrypted.getpeercert() if encrypted else None
    if not shown:
        return None

    def name(field: str) -> str:
        return next(value for ((kind, value),) in shown[field] if kind == "commonName")

    return name("subject"), f"{int(shown['serialNumber'], 16):x}", name("issuer")


def _refusal(error_id: str, wait_s: int | None = None) -> web.Response:
    body: dict[str, Any] = {"error": error_id, "help": HELP[error_id]}
    if wait_s is not None:
        body["wait_s"] = wait_s
    return web.json_response(body, status=STATUS.get(error_id, 403))
