"""One HL7 message of each kind that is really taken, for integrators to copy. Segments end with CR
when they are sent; here each stands on a line of its own."""

_MSH = "MSH|^~\\&|HIS|H1|WARDLINE|WARD|{at}||{kind}|{id}|P|2.5.1||||||UNICODE UTF-8"
_PID = "PID|1||P100234^^^H1^PI||乗^晓亅||19791102|F"
_PV1 = "PV1|1|I|3^301^1|E|||||||||||||||V20261129-7"


def _message(kind: str, id: str, at: str, *segments: str) -> str:
    return "\n".join((_MSH.format(kind=kind, id=id, at=at), _PID, *segments)) + "\n"


# By what they tell: the kinds of `http.schemas`, and the kinds of message that tell it, each with
# an example. The admission comes first.
EXAMPLES: dict[str, dict[str, str]] = {
    "stays": {
        "ADT^A01": _message("ADT^A01^ADT_A01", "M1", "20261129093005+0800",
                            _PV1 + "|" * 25 + "20261129093000"),
        "ADT^A02": _message("ADT^A02^ADT_A02", "M2", "20261129110000+0800",
                            "PV1|1|I|3^301^2|E||3^301^1|||||||||||||V20261129-7"),
        "ADT^A08": _message("ADT^A08^ADT_A01", "M3", "20261129111000+0800",
                            "PV1|1|I|3^301^2|E|||||||||||||||V20261129-7"),
        "ADT^A03": _message("ADT^A03^ADT_A03", "M4", "20261129160000+0800",
                            "PV1|1|I|3^301^2|E|||||||||||||||V20261129-7" + "|" * 26
                            + "20261129160000"),
    },
    "charges": {
        "DFT^P03": _message(
            "DFT^P03^DFT_P03", "M5", "20261129100000+0800", _PV1,
            "FT1|1|C-88001||20261129095000||CG|250403014^血常规^H1||血常规|1|25.00&CNY|25.00&CNY",
        ),
    },
    "accounts": {
        "BAR^P01": _message(
            "BAR^P01^BAR_P01", "M6", "20261129100500+0800",
            _PV1 + "|" * 27 + "4966.60|33.40||5000.00",
        ),
    },
    # No standard message tells it: it comes over HTTP or out of a database.
    "settlements": {},
    "infusion-orders": {
        "RDE^O11": _message(
            "RDE^O11^RDE_O11", "M7", "20261129100600+0800", _PV1, "ORC|NW|O-7001",
            "RXE|^^^20261129103000|XB05XA^0.9%氯化钠注射液 500 mL^H1|500||mL|" + "|" * 17
            + "40|gtt/min",
        ),
    },
    "examinations": {
        "ORM^O01": _message(
            "ORM^O01^ORM_O01", "M8", "20261129100800+0800", _PV1, "ORC|NW|E-9001",
            "OBR|1|E-9001||US-ABD^腹部超声^H1",
        ),
        "SIU^S12": "\n".join((
            _MSH.format(kind="SIU^S12^SIU_S12", id="M9", at="20261129101000+0800"),
            "SCH|E-9001|B-301|||||||15|min|^^15^20261129140000^20261129141500" + "|" * 14
            + "BOOKED",
            _PID, _PV1, "RGS|1", "AIS|1|A|US-ABD^腹部超声^H1|20261129140000", "AIL|1|A|US-2",
        )) + "\n",
    },
}  # fmt: skip
