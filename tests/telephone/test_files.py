"""The configuration as text: nothing typed by a person can become a setting or a command."""

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.telephone import files, text
from gateway.telephone.directory import (
    Directory,
    DirectoryError,
    Line,
    Phone,
    Rights,
    Route,
    Service,
    Trunk,
    device_name,
)
from gateway.telephone.exchange import Exchange, Ports
from gateway.telephone.text import Context, Extension, Section, UnsafeTextError

EXCHANGE = Exchange(Ports(sip=5060, ari=8088, rtp=20_000), "secret")
DEVICE = "0015650a1b2c"
INTERNAL = (Rights("internal"),)


def phone(**changed: str) -> Phone:
    given = {"device": DEVICE, "password": "pw", "rights": "internal", "number": "8003"}
    return Phone(**{**given, **changed})  # type: ignore[arg-type]


def with_phone(**changed: str) -> Directory:
    return Directory(rights=INTERNAL, phones=(phone(**changed),))


@settings(max_examples=60)
@given(st.text())
def test_a_name_stays_within_its_quotes(name: str) -> None:
    written = files.texts(EXCHANGE, with_phone(name=name))["pjsip.conf"]
    plain = files.texts(EXCHANGE, with_phone(name="x"))["pjsip.conf"]
    differing = [
        (a, b) for a, b in zip(written.split("\n"), plain.split("\n"), strict=True) if a != b
    ]
    if differing:
        ((line, _),) = differing
        assert line.startswith('callerid = "')
        assert line.endswith('" <8003>')
        assert line.count('"') == 2
        assert not set("$;\\{}[]()") & set(line)


@given(st.text(), st.text())
def test_a_setting_is_one_line_or_refused(key: str, value: str) -> None:
    try:
        lines = list(Section("s", [(key, value)]).lines())
    except UnsafeTextError:
        return
    assert len(lines) == 2
    assert len("\n".join(lines).split("\n")) == 2
    assert lines[1].startswith(f"{key} = ")
    assert ";" not in lines[1].replace(r"\;", "")


@given(st.text(alphabet=string.printable))
def test_what_is_dialled_is_a_number_or_a_pattern_of_fixed_length(number: str) -> None:
    try:
        text.pattern(number)
    except UnsafeTextError:
        return
    assert not set(number) & set(".!${}()[],;\n ")


@pytest.mark.parametrize(
    "device", ["8003", "0015650a1b2", "0015650A1B2C\n[x]", "../../etc/x", "zz15650a1b2c", ""]
)
def test_a_device_is_named_by_its_hardware_address_only(device: str) -> None:
    with pytest.raises(DirectoryError):
        device_name(device)


def test_hardware_addresses_are_one_name_however_written() -> None:
    for each in ("00:15:65:0A:1B:2C", "00-15-65-0a-1b-2c", "0015.650a.1b2c", " 0015650A1B2C "):
        assert device_name(each) == DEVICE


@pytest.mark.parametrize(
    "changed",
    [
        {"number": "8003,1)"},
        {"number": "_8XXX"},
        {"number": "8"},
        {"rights": "nobody"},
        {"device": "8003"},
    ],
)
def test_a_wrong_phone_never_becomes_text(changed: dict[str, str]) -> None:
    with pytest.raises(DirectoryError):
        with_phone(**changed)


@pytest.mark.parametrize("password", ["a;b", "a\nb", "", "a b", "-x"])
def test_a_password_that_would_break_out_is_refused(password: str) -> None:
    with pytest.raises(UnsafeTextError):
        files.texts(EXCHANGE, with_phone(password=password))


def test_contradictions_are_named() -> None:
    line = Line("8003", (DEVICE,))
    for wrong, named in (
        ({"lines": (line,)}, "phone of line 8003 is unknown"),
        ({"phones": (phone(), phone())}, "stands twice"),
        ({"lines": (Line("8003", ()), Line("8003", ()))}, "8003 stands twice"),
        ({"lines": (Line("621", ()),), "services": (Service("621", "x"),)}, "621 stands twice"),
        ({"services": (Service("120", "emergency", ("8003",)),)}, "fallback of 120"),
        ({"routes": (Route("city", "world", ("9NXXXXXXX",)),)}, "trunk of route city"),
        ({"trunks": (Trunk("w", "a b"),)}, "address of trunk w cannot be used"),
        ({"trunks": (Trunk("w", "h", inbound=(("62345678", "8003"),)),)}, "of trunk w rings"),
    ):
        with pytest.raises(DirectoryError, match=named):
            Directory(rights=INTERNAL, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("pattern", ["9.", "9X!", "[0-9]X", "${EXTEN}", "X", "9XXXXXXX,1"])
def test_a_pattern_without_an_end_is_refused(pattern: str) -> None:
    trunks = (Trunk("world", "192.0.2.1"),)
    with pytest.raises(DirectoryError, match="pattern of route city"):
        Directory(trunks=trunks, routes=(Route("city", "world", (pattern,)),))


def test_no_name_of_one_kind_can_be_taken_for_another() -> None:
    """A class named like a line to the world must not lend its rights to callers from outside."""
    city = Route("world", "world", ("9NXXXXXXX",))
    names = ("world", "trunk-world", "inbound-world", "lines", "route-world", DEVICE)
    directory = Directory(
        rights=tuple(Rights(name, ("world",)) for name in names),
        phones=(phone(rights="lines"),),
        trunks=tuple(Trunk(name, "192.0.2.1") for name in (*names, "transport-udp", "global")),
        routes=(city,),
    )
    for written in files.living(EXCHANGE, directory).values():
        parts = [re.split(r"\n(?:type = (\w+))?", part)[:2] for part in written.split("\n\n")[1:-1]]
        assert len({tuple(each) for each in parts}) == len(parts)
    plan = files.living(EXCHANGE, directory)["extensions.conf"]
    inbound = [part for part in plan.split("\n\n") if part.startswith("[inbound-")]
    assert len(inbound) == len(directory.trunks)
    assert not [part for part in inbound if "include" in part]


def test_a_permission_class_has_known_routes_only() -> None:
    with pytest.raises(DirectoryError, match="route of permission class local"):
        Directory(rights=(Rights("local", ("city",)),))


def test_no_number_of_the_house_is_a_pattern_and_nothing_dialled_is_put_into_a_command() -> None:
    directory = Directory(
        rights=INTERNAL,
        phones=(phone(),),
        lines=(Line("8003", (DEVICE,)),),
        services=(Service("120", "emergency", ("8003",)),),
    )
    written = files.texts(EXCHANGE, directory)["extensions.conf"]
    assert "exten => _" not in written
    assert "EXTEN" not in written
    assert f"Dial(PJSIP/{DEVICE},120)" in written


def test_a_line_longer_than_asterisk_reads_is_refused() -> None:
    devices = "&".join(["PJSIP/0015650a1b2c"] * 500)
    with pytest.raises(UnsafeTextError, match="longer"):
        list(Context("lines", [Extension("8003", [f"Dial({devices})"])]).lines())
