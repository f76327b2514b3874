"""What a caller hears when nobody speaks: the tones of the country."""

from gateway.telephone import text
from gateway.telephone.text import Section


def indications_conf() -> str:
    """China, by GB 3378: 450 Hz throughout."""
    tones = [
        ("description", "China"),
        ("ringcadence", "1000,4000"),
        ("dial", "450"),
        ("busy", "450/350,0/350"),
        ("ring", "450/1000,0/4000"),
        ("congestion", "450/700,0/700"),
        ("callwaiting", "450/400,0/4000"),
        ("record", "950/400,0/10000"),
        ("info", "450/100,0/100,450/100,0/100,450/100,0/100,450/400,0/400"),
    ]
    return text.file(Section("general", [("country", "cn")]), Section("cn", tones))
