"""pjsip.conf: the transports, each phone by its hardware address, and the lines to the world."""

from collections.abc import Iterable

from gateway.telephone import text
from gateway.telephone.directory import Directory, Phone, Trunk
from gateway.telephone.exchange import INSIDE, Exchange
from gateway.telephone.files import limits, locked, mailboxes, picking_up, recording, speed
from gateway.telephone.files.dialplan import from_encrypted, from_trunk
from gateway.telephone.files.findme import from_phones
from gateway.telephone.text import Section

# Telephones say again that they are there before this has passed.
EXPIRES_S = 300
LEAST_EXPIRES_S = 60
# A phone that does not answer in that time is told from one that rings.
QUALIFY_S = 60
CERTIFICATE, KEY = "certificate.pem", "key.pem"
TLS = "transport-tls"


def pjsip_conf(exchange: Exchange, directory: Directory) -> str:
    who = _who(exchange, directory)
    return text.file(*_common(exchange), *who, include="pjsip_local.conf") + (
        f"\n#tryinclude {locked.FILE}\n"
    )


def phones_conf(exchange: Exchange, directory: Directory) -> str:
    """Phones and lines to the world alone, for an Asterisk that has transports of its own."""
    return text.file(*_who(exchange, directory))


def _who(exchange: Exchange, directory: Directory) -> list[Section]:
    phones = [part for phone in directory.phones for part in _phone(exchange, directory, phone)]
    trunks = [part for trunk in directory.trunks for part in _trunk(trunk)]
    return [*phones, *trunks]


def _common(exchange: Exchange) -> Iterable[Section]:
    yield Section(
        "global",
        [
            ("type", "global"),
            ("user_agent", "Wardline"),
            ("default_realm", text.word(exchange.realm)),
            # Only a line to the world is known by the address it comes from.
            ("endpoint_identifier_order", "auth_username,username,ip"),
            # Who asks under names that nobody has is told of in the security log after so many.
            # Asterisk refuses him nothing for it: that is for `guard.py`.
            ("unidentified_request_count", "5"),
            ("unidentified_request_period", "5"),
        ],
    )
    for protocol in ("udp", "tcp"):
        yield Section(
            f"transport-{protocol}",
            [
                ("type", "transport"),
                ("protocol", protocol),
                ("bind", f"{exchange.address}:{exchange.ports.sip}"),
            ],
        )
    if exchange.tls is not None:
        yield Section(
            TLS,
            [
                ("type", "transport"),
                ("protocol", "tls"),
                ("bind", f"{exchange.address}:{exchange.tls.port}"),
                ("method", "tlsv1_2"),
                ("cert_file", f"{INSIDE}/etc/{CERTIFICATE}"),
                ("priv_key_file", f"{INSIDE}/etc/{KEY}"),
            ],
        )


def _phone(exchange: Exchange, directory: Directory, phone: Phone) -> Iterable[Section]:
    device = text.word(phone.device)
    caller = f'"{text.spoken_name(phone.name)}" <{text.pattern(phone.number)}>'
    groups = ",".join(text.word(each) for each in phone.groups)
    settings = [
        ("type", "endpoint"),
        (
            "context",
            (from_encrypted if phone.encryption == "required" else from_phones)(phone.rights),
        ),
        ("identify_by", "auth_username,username"),
        ("auth", device),
        ("aors", device),
        ("callerid", caller),
        ("language", text.word(phone.lang)),
        ("disallow", "all"),
        ("allow", "alaw,ulaw,g722"),
        # The voice goes by way of the exchange, so keys are heard and a call can be joined.
        ("direct_media", "no"),
        ("dtmf_mode", "auto"),
        ("rtp_symmetric", "yes"),
        ("force_rport", "yes"),
        ("rewrite_contact", "yes"),
        ("media_address", exchange.address),
        ("bind_rtp_to_media_address", "yes"),
        ("device_state_busy_at", str(phone.lines)),
        # What a phone says of itself is no number anybody may believe.
        ("trust_id_inbound", "no"),
        ("send_pai", "yes"),
        # Keys that it may use in calls of its own: pass on, park, record.
        ("set_var", f"MAY=TK{recording.may(directory)}"),
        *(("set_var", each) for each in recording.variables(phone)),
        ("set_var", limits.counted(device)),
    ]
    settings += _encryption(phone)
    lamp: list[tuple[str, str]] = []
    if groups:
        settings += [("named_call_group", groups), ("named_pickup_group", groups)]
        settings += [("set_var", f"{picking_up.belongs_to(each)}=1") for each in phone.groups]
    settings += [("set_var", each) for each in speed.variables(directory, phone)]
    if phone.number in directory.mailboxes:
        box = mailboxes.mailbox(phone.number)
        settings += [("mailboxes", box), ("mwi_subscribe_replaces_unsolicited", "yes")]
        lamp.append(("mailboxes", box))
    yield Section(device, settings)
    yield Section(
        device,
        [
            ("type", "auth"),
            ("auth_type", "digest"),
            ("username", device),
            ("password", text.word(phone.password)),
        ],
    )
    yield Section(
        device,
        [
            ("type", "aor"),
            # The telephone that registered last is the one that rings.
            ("max_contacts", "1"),
            ("remove_existing", "yes"),
            ("default_expiration", str(EXPIRES_S)),
            ("minimum_expiration", str(LEAST_EXPIRES_S)),
            ("qualify_frequency", str(QUALIFY_S)),
            *lamp,
        ],
    )


def _encryption(phone: Phone) -> list[tuple[str, str]]:
    if phone.encryption == "none":
        return []
    sdes = ("media_encryption", "sdes")
    if phone.encryption == "optional":
        return [sdes, ("media_encryption_optimistic", "yes")]
    return [
        sdes,
        # Rung over TLS or not at all: whoever reads the keys hears the call.
        ("transport", TLS),
        # Whom it passes on may be one who need not encrypt.
        ("set_var", f"TRANSFER_CONTEXT={from_phones(phone.rights)}"),
    ]


def _trunk(trunk: Trunk) -> Iterable[Section]:
    name = text.word(trunk.endpoint)
    settings = [
        ("type", "endpoint"),
        ("context", from_trunk(trunk.name)),
        # By its address alone: else whoever calls himself so would be let in without a password.
        ("identify_by", "ip"),
        ("aors", name),
        ("disallow", "all"),
        ("allow", "alaw,ulaw,g722"),
        ("direct_media", "no"),
        ("rtp_symmetric", "yes"),
        # The world may not send our calls elsewhere.
        ("allow_transfer", "no"),
        ("language", "zh"),
        ("set_var", recording.FROM_OUTSIDE),
    ]
    if trunk.user:
        settings.append(("outbound_auth", name))
        yield Section(
            name,
            [
                ("type", "auth"),
                ("auth_type", "digest"),
                ("username", text.word(trunk.user)),
                ("password", text.word(trunk.password)),
            ],
        )
    yield Section(name, settings)
    yield Section(name, [("type", "aor"), ("contact", f"sip:{trunk.host}")])
    yield Section(name, [("type", "identify"), ("endpoint", name), ("match", trunk.host)])
