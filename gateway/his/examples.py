"""One HL7 message of each kind that is really taken, for integrators to copy. Segments end with CR
when they are sent; here each stands on a line of its own."""

_MSH = "MSH|^~\\&|HIS|H1|WARDLINE|WARD|{at}||{kind}|{id}|P|2.5.1||||||UNICODE UTF-8"
_PID = "PID|1||P100234^^^H1^PI||乗^晓亅||19791102|F"
_PV1 = "PV1|1|I|3^301^1|E|||||||||||||||V20261129-7"


def _message(kind: str, id: str, at: str, *segments: str) -> str:
    return "\n".join((_MSH.format(kind=kind, id=id, at=at), _PID, *segments)) + "\n"


def _moved(event: str, id: str, place: str, *more: str) -> str:
    """An ADT message; `more`: the fields of PV1 after the visit number."""
    pv1 = f"PV1|1|I|{place}|E|||||||||||||||V20261129-7" + "".join(more)
    return _message(f"ADT^{event}", id, f"2026112911{id[1:]:0>2}00+0800", pv1)


def _ordered(kind: str, id: str, *segments: str) -> str:
    return _message(kind, id, f"2026112912{id[1:]:0>2}00+0800", _PV1, *segments)


def _appointed(event: str, id: str, status: str, at: str = "140000") -> str:
    minute = f"2026112913{id[1:]:0>2}00+0800"
    until = f"{at[:2]}1500"
    return "\n".join((
        _MSH.format(kind=f"SIU^{event}^SIU_S12", id=id, at=minute),
        f"SCH|E-9001|B-301|||||||15|min|^^15^20261129{at}^20261129{until}" + "|" * 14 + status,
        _PID, _PV1, "RGS|1", f"AIS|1|A|US-ABD^腹部超声^H1|20261129{at}", "AIL|1|A|US-2",
    )) + "\n"  # fmt: skip


_BOTTLE = "XB05XA^0.9%氯化钠注射液 500 mL^H1"
_TO_GIVE = "TQ1|1||||||20261129103000"

# By what they tell: the kinds of `http.schemas`, and the kinds of message that tell it, each with
# an example. The admission comes first.
EXAMPLES: dict[str, dict[str, str]] = {
    "stays": {
        "ADT^A01": _moved("A01^ADT_A01", "M1", "3^301^1", "|" * 25, "20261129093000"),
        "ADT^A02": _moved("A02^ADT_A02", "M2", "3^301^2"),
        "ADT^A08": _moved("A08^ADT_A01", "M3", "3^301^2"),
        "ADT^A12": _moved("A12^ADT_A12", "M4", "3^301^1"),
        "ADT^A03": _moved("A03^ADT_A03", "M5", "3^301^1", "|" * 26, "20261129110400"),
        "ADT^A13": _moved("A13^ADT_A01", "M6", "3^301^1"),
        "ADT^A11": _moved("A11^ADT_A09", "M7", "3^301^1"),
    },
    "charges": {
        "DFT^P03": _ordered(
            "DFT^P03^DFT_P03", "M8",
            "FT1|1|C-88001||20261129095000||CG|250403014^血常规^H1||血常规|1|25.00&CNY|25.00&CNY",
        ),
    },
    "accounts": {
        "BAR^P01": _message(
            "BAR^P01^BAR_P01", "M9", "20261129100500+0800",
            _PV1 + "|" * 27 + "4966.60|33.40||5000.00",
        ),
        "BAR^P02": _ordered("BAR^P02^BAR_P02", "M10"),
    },
    # No standard message tells it: it comes over HTTP or out of a database.
    "settlements": {},
    "infusion-orders": {
        "RDE^O11": _ordered(
            "RDE^O11^RDE_O11", "M11", "ORC|NW|O-7001",
            f"RXE||{_BOTTLE}|500||mL|" + "|" * 17 + "40|gtt/min",
            _TO_GIVE,
            "NTE|1||20 gtt/mL",
        ),
        "RGV^O15": _ordered(
            "RGV^O15^RGV_O15", "M12", "ORC|XO|O-7001", _TO_GIVE,
            f"RXG|1|||{_BOTTLE}|500||mL" + "|" * 8 + "30|gtt/min",
        ),
        "RAS^O17": _ordered(
            "RAS^O17^RAS_O17", "M13", "ORC|RE|O-7001",
            f"RXA|0|1|20261129103500||{_BOTTLE}|500|mL", "RXR|IV",
        ),
    },
    "examinations": {
        "ORM^O01": _ordered(
            "ORM^O01^ORM_O01", "M14", "ORC|NW|E-9001", "OBR|1|E-9001||US-ABD^腹部超声^H1"
        ),
        "OMG^O19": _ordered(
            "OMG^O19^OMG_O19", "M15", "ORC|NW|E-9002", "OBR|1|E-9002||CT-HEAD^头颅 CT^H1"
        ),
        "SIU^S12": _appointed("S12", "M16", "BOOKED"),
        "SIU^S13": _appointed("S13", "M17", "BOOKED", "153000"),
        "SIU^S14": _appointed("S14", "M18", "BOOKED", "153000"),
        "SIU^S15": _appointed("S15", "M19", "CANCELLED", "153000"),
        "SIU^S16": _appointed("S16", "M20", "DISCONTINUED", "153000"),
        "SIU^S17": _appointed("S17", "M21", "DELETED", "153000"),
        "SIU^S26": _appointed("S26", "M22", "NOSHOW", "153000"),
    },
}  # fmt: skip
