"""Our certificate authority: what it signs, what it refuses, and what it leaves on disk."""

import base64
import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from central.clock import FakeClock
from provisioning.authority import files, requests
from provisioning.authority.authority import (
    NODE,
    SERVER,
    SERVICE,
    Authority,
    AuthorityUnusableError,
)
from provisioning.authority.keys import KeyFolder, KeyUnusableError, generate
from provisioning.authority.requests import RequestRefusedError
from tests.enrolment.certificates import request

NAME = "3-box"


@pytest.fixture
def authority(tmp_path: Path, clock: FakeClock) -> Authority:
    return Authority(tmp_path / "ca", KeyFolder(tmp_path / "ca"), clock)


def test_a_certificate_is_for_one_name_one_use_and_a_time(
    authority: Authority, clock: FakeClock
) -> None:
    key = generate()
    issued = authority.issue(NAME, key.public_key(), NODE)
    leaf, intermediate = x509.load_pem_x509_certificates(issued.chain.encode())
    root = x509.load_pem_x509_certificate(authority.root_pem.encode())
    leaf.verify_directly_issued_by(intermediate)
    intermediate.verify_directly_issued_by(root)
    assert leaf.subject.rfc4514_string() == f"CN={NAME}"
    assert leaf.public_key() == key.public_key()
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [NODE.usage]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert issued.ends_ms - clock.real_ms() == pytest.approx(365 * 86_400_000, abs=1000)
    assert issued.begins_ms < clock.real_ms() - 86_000_000  # a clock a day behind takes it
    assert int(issued.serial, 16) == leaf.serial_number


def test_servers_and_log_ins_of_central_are_of_another_intermediate_than_boxes(
    authority: Authority,
) -> None:
    def issuer(issued_chain: str) -> str:
        leaf = x509.load_pem_x509_certificates(issued_chain.encode())[0]
        return leaf.issuer.rfc4514_string()

    key = generate().public_key()
    node, service = authority.issue("a", key, NODE), authority.issue("a", key, SERVICE)
    server = authority.issue("a", key, SERVER, ("10.0.0.7", "broker.ward"))
    assert issuer(service.chain) == issuer(server.chain) != issuer(node.chain)
    leaf = x509.load_pem_x509_certificates(server.chain.encode())[0]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(each.value) for each in names} == {"10.0.0.7", "broker.ward"}


def test_private_keys_are_for_their_owner_and_the_authority_stays_the_same(
    authority: Authority, tmp_path: Path, clock: FakeClock
) -> None:
    folder = tmp_path / "ca"
    assert sorted(path.name for path in folder.glob("*.key")) == [
        "nodes.key", "root.key", "services.key",
    ]  # fmt: skip
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.glob("*.key"))
    assert folder.stat().st_mode & 0o077 == 0
    again = Authority(folder, KeyFolder(folder), clock)
    assert (again.root_pem, again.clients_pem) == (authority.root_pem, authority.clients_pem)
    (folder / "root.pem").unlink()  # as a power cut between key and certificate leaves it
    assert Authority(folder, KeyFolder(folder), clock).root_key_id == authority.root_key_id


def test_what_does_not_belong_together_is_named(
    authority: Authority, tmp_path: Path, clock: FakeClock
) -> None:
    folder = tmp_path / "ca"
    (folder / "nodes.key").unlink()
    with pytest.raises(AuthorityUnusableError, match="nodes"):
        Authority(folder, KeyFolder(folder), clock)
    (folder / "root.key").write_text("no key")
    with pytest.raises(KeyUnusableError, match=r"root\.key"):
        Authority(folder, KeyFolder(folder), clock)


def test_a_request_of_a_good_key_is_read() -> None:
    for key in (generate(), ec.generate_private_key(ec.SECP384R1())):
        found = requests.read(request(NAME, key), NAME)
        assert (found.name, found.key) == (NAME, key.public_key())
    assert len(found.key_id) == 64


def _signed(key: object, *, name: str = NAME, hashed: object = None, **more: object) -> bytes:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if "organisation" in more:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, str(more["organisation"])))
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))
    if "host" in more:
        alternative = x509.SubjectAlternativeName([x509.DNSName(str(more["host"]))])
        builder = builder.add_extension(alternative, critical=False)
    if more.get("ca"):
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    made = builder.sign(key, hashed)  # type: ignore[arg-type]
    return made.public_bytes(Encoding.PEM)


def _not_possessed() -> bytes:
    """A request whose signature is not its key's."""
    der = x509.load_pem_x509_csr(request(NAME, generate())).public_bytes(Encoding.DER)
    spoilt = base64.encodebytes(der[:-1] + bytes([der[-1] ^ 1])).decode()
    whole = f"-----BEGIN CERTIFICATE REQUEST-----\n{spoilt}-----END CERTIFICATE REQUEST-----\n"
    return whole.encode()


SHA = hashes.SHA256()
REFUSED = {
    "another name": (lambda: request("5-box", generate()), "another name"),
    "a name beside it": (
        lambda: _signed(generate(), hashed=SHA, organisation="bridge"), "another name",
    ),
    "another host": (lambda: _signed(generate(), hashed=SHA, host="bridge"), "extensions"),
    "an authority": (lambda: _signed(generate(), hashed=SHA, ca=True), "extensions"),
    "a small RSA key": (
        lambda: _signed(rsa.generate_private_key(65537, 1024), hashed=SHA), "kind",
    ),
    "an odd curve": (
        lambda: _signed(ec.generate_private_key(ec.SECP256K1()), hashed=SHA), "kind",
    ),
    "a key not possessed": (_not_possessed, "own key"),
    "no request": (lambda: b"-----BEGIN CERTIFICATE REQUEST-----\n", "no certificate request"),
    "too long": (lambda: b"A" * 20_000, "longer"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_is_refused_with_the_reason(case: str) -> None:
    make, why = REFUSED[case]
    with pytest.raises(RequestRefusedError, match=why):
        requests.read(make(), NAME)


def test_ed25519_is_taken() -> None:
    made = _signed(ed25519.Ed25519PrivateKey.generate())
    assert requests.read(made, NAME).name == NAME


@given(st.binary(max_size=400))
def test_whatever_comes_is_read_or_refused(noise: bytes) -> None:
    good = request(NAME, generate())
    middle = len(good) // 2
    for text in (noise, good[:middle] + noise + good[middle:], good[:middle] + noise):
        try:
            assert requests.read(text, NAME).name == NAME
        except RequestRefusedError:
            pass


def test_each_list_of_the_revoked_is_later_than_the_one_before(authority: Authority) -> None:
    """Of two, OpenSSL believes the one dated later, to the second."""
    issued = [authority.issue(NAME, generate().public_key(), NODE) for _ in range(3)]
    revoked = [(each.serial, 1_790_000_000_000) for each in issued]
    dated = []
    for count in range(4):
        lists = authority.revocations(revoked[:count])
        first = lists[: lists.index("-----END X509 CRL-----") + 22]
        made = x509.load_pem_x509_crl(first.encode())
        assert lists.count("BEGIN X509 CRL") == 2  # one by each intermediate
        assert {f"{each.serial_number:x}" for each in made} == {s for s, _ in revoked[:count]}
        dated.append(made.last_update_utc)
    assert [b - a for a, b in itertools.pairwise(dated)] == [timedelta(seconds=1)] * 3


def test_a_programs_certificate_is_made_anew_in_time_and_for_new_hosts(
    authority: Authority, tmp_path: Path, clock: FakeClock
) -> None:
    def ensure(*hosts: str) -> str:
        made = files.ensure(authority, tmp_path, "broker", SERVER, clock.real_ms(), hosts)
        return made.certificate.read_text()

    first = ensure("10.0.0.7")
    key = (tmp_path / "broker.key").read_bytes()
    assert ensure("10.0.0.7") == first
    second = ensure("10.0.0.7", "broker.ward")
    assert second != first
    clock.advance(650 * 86_400_000)
    assert ensure("10.0.0.7") != second
    assert (tmp_path / "broker.key").read_bytes() == key
