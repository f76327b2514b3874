"""What a softphone takes in by itself: a QR code leads it to a file on this server.

Of the common softphones Linphone (open source, for every system) reads a QR code without a service
of its maker's: the address of a file, which is documented as its remote provisioning. Zoiper's and
Acrobits' codes lead to their makers' servers, and a plain sip: address is taken by all of them for
a number to call. So ours is that address. It holds no password: a photograph of the screen is of no
use ten minutes later, or once the phone has a new password.
"""

import hashlib
from dataclasses import dataclass, field
from xml.etree import ElementTree

import segno
from itsdangerous import BadData, URLSafeTimedSerializer

from gateway.telephone.text import spoken_name

LASTS_S = 600
_SALT = "softphone"
_NAMESPACE = "http://www.linphone.org/xsds/lpconfig.xsd"


@dataclass(frozen=True)
class LogIn:
    """What a telephone is given. host and port: where it registers; name: what it is called."""

    host: str
    port: int
    device: str
    password: str = field(repr=False)
    name: str
    realm: str
    encrypts: bool = False

    @property
    def transport(self) -> str:
        return "tls" if self.encrypts else "udp"


def token(secret: str | bytes, device: str, password: str) -> str:
    """Opens the set-up of a phone for `LASTS_S`, as long as it keeps its password."""
    return URLSafeTimedSerializer(secret, salt=_SALT).dumps([device, _mark(password)])


def device_of(secret: str | bytes, token: str) -> tuple[str, str] | None:
    """The phone that a token is for and the mark of its password; None for one that is wrong or
    too old."""
    try:
        said = URLSafeTimedSerializer(secret, salt=_SALT).loads(token, max_age=LASTS_S)
    except BadData:
        return None
    match said:
        case [str(device), str(mark)]:
            return device, mark
    return None


def is_of(mark: str, password: str) -> bool:
    """Whether the phone still has the password it had."""
    return mark == _mark(password)


def _mark(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()[:16]


def document(login: LogIn) -> bytes:
    """The file, in Linphone's form. What is written in it stays after the next start, and the
    address is asked once."""
    server = f"sip:{login.host}:{login.port};transport={login.transport}"
    identity = f'"{spoken_name(login.name)}" <sip:{login.device}@{login.host}:{login.port}>'
    sections = {
        "misc": {"transient_provisioning": "1"},
        "sip": {
            "default_proxy": "0",
            **({"media_encryption": "srtp"} if login.encrypts else {}),
        },
        "proxy_0": {
            "reg_proxy": f"<{server}>",
            "reg_identity": identity,
            "reg_expires": "300",
            "reg_sendregister": "1",
            "publish": "0",
            "realm": login.realm,
        },
        "auth_info_0": {
            "username": login.device,
            "userid": login.device,
            "passwd": login.password,
            "realm": login.realm,
            "domain": login.host,
        },
    }
    root = ElementTree.Element("config", xmlns=_NAMESPACE)
    for name, entries in sections.items():
        section = ElementTree.SubElement(root, "section", name=name)
        for key, value in entries.items():
            entry = ElementTree.SubElement(section, "entry", name=key, overwrite="true")
            entry.text = value
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def picture(address: str) -> str:
    """`address` as a QR code, dark on light with its quiet margin: the source of an image."""
    return segno.make(address, micro=False, error="m").svg_data_uri(
        scale=5, border=4, dark="#000", light="#fff"
    )
