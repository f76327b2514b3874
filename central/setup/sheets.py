"""Which sheets and columns the workbook has that an engineer fills in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from central.console.marks import N_


@dataclass(frozen=True)
class Column:
    """names: by language. about: an English message id for the template. only: values that may
    stand there, each with its names by language."""

    key: str
    names: Mapping[str, str]
    about: str
    only: Mapping[str, Mapping[str, str]] | None = None


@dataclass(frozen=True)
class Sheet:
    key: str
    names: Mapping[str, str]
    columns: Sequence[Column]
    needed: Sequence[str]
    # By column, as an example; in one line each.
    examples: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Line:
    """A row of a sheet as a person counts rows; cells: text by the column's key, blanks cut."""

    sheet: str
    row: int
    cells: Mapping[str, str]


LANGS = {"zh": {"zh": "中文", "en": "Chinese"}, "en": {"zh": "英文", "en": "English"}}
ROLES = {
    "bedside": {"zh": "床旁", "en": "bedside"},
    "station": {"zh": "护士站", "en": "station"},
}

SHEETS = (
    Sheet(
        "wards",
        {"zh": "病区", "en": "Wards"},
        (
            Column("ward", {"zh": "病区", "en": "Ward"},
                   N_("Its number, as people say it: 1 to 16 letters and digits")),
            Column("name_zh", {"zh": "中文名称", "en": "Chinese name"}, N_("Shown and spoken")),
            Column("name_en", {"zh": "英文名称", "en": "English name"}, N_("Shown and spoken")),
            Column("lang", {"zh": "语言", "en": "Language"},
                   N_("What its loudspeakers speak; empty: Chinese"), LANGS),
            Column("neighbour", {"zh": "相邻病区", "en": "Neighbour"},
                   N_("The ward that takes calls over; may be empty")),
        ),
        ("ward", "name_zh", "name_en"),
        (
            {"ward": "7", "name_zh": "七病区", "name_en": "Ward 7", "lang": "zh",
             "neighbour": "8"},
            {"ward": "8", "name_zh": "八病区", "name_en": "Ward 8", "lang": "zh",
             "neighbour": "7"},
        ),
    ),
    Sheet(
        "boxes",
        {"zh": "主机", "en": "Boxes"},
        (
            Column("box", {"zh": "主机", "en": "Box"},
                   N_("Its name: 1 to 32 letters, digits and dashes")),
            Column("ward", {"zh": "病区", "en": "Ward"}, N_("A ward of the house or of this file")),
            Column("role", {"zh": "用途", "en": "Role"},
                   N_("Bedside: buttons and lamps of beds; station: the nurse station"), ROLES),
        ),
        ("box", "ward", "role"),
        (
            {"box": "7-box", "ward": "7", "role": "bedside"},
            {"box": "7-station", "ward": "7", "role": "station"},
        ),
    ),
    Sheet(
        "beds",
        {"zh": "床位", "en": "Beds"},
        (
            Column("ward", {"zh": "病区", "en": "Ward"}, N_("A ward of the house or of this file")),
            Column("bed", {"zh": "床号", "en": "Bed"}, N_("As people say it, such as 5 or 加1")),
            Column("box", {"zh": "主机", "en": "Box"},
                   N_("The bedside box that its button is wired to; may be empty for now")),
            Column("unit", {"zh": "床旁单元地址", "en": "Unit"},
                   N_("Address 1 to 247 of its unit on the box's bus; empty where there is no"
                      " bus")),
        ),
        ("ward", "bed"),
        (
            {"ward": "7", "bed": "1", "box": "7-box", "unit": "1"},
            {"ward": "7", "bed": "加1", "box": "7-box", "unit": "2"},
        ),
    ),
    Sheet(
        "phones",
        {"zh": "电话", "en": "Telephones"},
        (
            Column("number", {"zh": "号码", "en": "Number"}, N_("The extension: 2 to 8 digits")),
            Column("label", {"zh": "名称", "en": "Name"}, N_("Whose it is or where it stands")),
            Column("address", {"zh": "硬件地址", "en": "Hardware address"},
                   N_("12 digits and letters a to f, on its label; empty: a number without a"
                      " telephone yet")),
            Column("station_of", {"zh": "护士站", "en": "Station of ward"},
                   N_("The ward whose nurse station it is; else empty")),
            Column("rights", {"zh": "权限", "en": "Permission class"},
                   N_("As under Telephone directory; empty: only inside the house")),
            Column("lang", {"zh": "语言", "en": "Language"},
                   N_("What it speaks; empty: Chinese"), LANGS),
        ),
        ("number", "label"),
        (
            {"number": "8007", "label": "七病区护士站", "address": "001565000007",
             "station_of": "7", "rights": "internal", "lang": "zh"},
        ),
    ),
)  # fmt: skip
BY_KEY = {sheet.key: sheet for sheet in SHEETS}


def plain(name: str) -> str:
    """A name by which a sheet, a column or a value is known, however it was typed."""
    return "".join(name.split()).casefold()


def value(column: Column, text: str) -> str | None:
    """What stands for `text` in a column of few values; "" for nothing, None for what is none."""
    if not text or column.only is None:
        return text
    for code, names in column.only.items():
        if plain(text) in (code, *map(plain, names.values())):
            return code
    return None
