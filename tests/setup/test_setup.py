"""A hospital out of one spreadsheet: seen first, then done as one, and nothing by halves."""

import contextlib
import io
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from central.directory import model as directory
from central.errors import FieldError
from central.setup import service, sheets, workbook
from central.setup.sheets import Line
from central.store import Store
from central.wards import model as wards

WARDS = [["病区", "中文名称", "英文名称", "语言", "相邻病区"],
         [7, "七病区", "Ward 7", None, "8"], ["8", "八病区", "Ward 8", "英文", 7]]  # fmt: skip
BOXES = [["主机", "病区", "用途"], ["7-box", 7, "床旁"], ["7-station", 7, "护士站"]]
BEDS = [["病区", "床号", "主机", "床旁单元地址"], [7, 1, "7-box", 1.0], [7, "加1", "7-box", 2]]
PHONES = [["号码", "名称", "硬件地址", "护士站"], [8007, "七病区护士站", "00:15:65:00:00:07", 7],
          [8107, "办公室", None, None]]  # fmt: skip


def book(**pages: Sequence[Sequence[object]]) -> bytes:
    """A workbook with these sheets, by their keys."""
    made = Workbook()
    made.remove(made.active)
    for key, rows in pages.items():
        page = made.create_sheet(sheets.BY_KEY[key].names["zh"])
        for row in rows:
            page.append(list(row))
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def put(store: Store, **pages: Sequence[Sequence[object]]) -> service.Outcome:
    lines = workbook.read(book(**pages))
    with store.transaction() as tx:
        return service.put(tx, lines, "engineer", "wards.xlsx")


def counts(outcome: service.Outcome) -> Mapping[str, tuple[int, int, int]]:
    return {
        sheet.key: (
            outcome.count(sheet.key, service.ADDED),
            outcome.count(sheet.key, service.CHANGED),
            outcome.count(sheet.key, service.SAME),
        )
        for sheet in sheets.SHEETS
    }


WHOLE = {"wards": WARDS, "boxes": BOXES, "beds": BEDS, "phones": PHONES}


def test_a_house_is_set_up_and_the_same_file_changes_nothing_more(store: Store) -> None:
    assert put(store, **WHOLE).problems == []
    tx = store.read()
    assert (wards.ward(tx, "7") or {})["neighbour"] == "8"
    assert wards.lang(tx, "8") == "en"
    assert [(row["bed"], row["node"], row["unit"]) for row in wards.beds(tx, "7")] == [
        ("1", "7-box", 1), ("加1", "7-box", 2),
    ]  # fmt: skip
    assert (directory.phone(tx, "001565000007") or {})["number"] == "8007"
    assert (directory.extension(tx, "8007") or {})["ward"] == "7"
    again = put(store, **WHOLE)
    assert counts(again) == {
        "wards": (0, 0, 2), "boxes": (0, 0, 2), "beds": (0, 0, 2), "phones": (0, 0, 2),
    }  # fmt: skip


def test_what_is_only_looked_at_leaves_nothing(store: Store) -> None:
    lines = workbook.read(book(**WHOLE))
    before = store.read().value("SELECT count(*) FROM audit")
    with store.transaction() as tx:
        assert service.look(tx, lines).problems == []
        assert tx.changes == set()
    tx = store.read()
    assert wards.wards(tx) == []
    assert tx.value("SELECT count(*) FROM audit") == before


def test_one_wrong_row_and_nothing_is_done_and_each_is_told_by_its_row(store: Store) -> None:
    beds = [*BEDS, [7, 1, "7-box", 3], [9, 1, "7-box", 4], [7, 3, "7-station", 5], [7, 4, "x", 6],
            [7, 5, "7-box", 2], [7, "a/b", None, None], [7, 6, None, 9], [7, 7, "7-box", 300],
            [None, 8, None, None]]  # fmt: skip
    boxes = [*BOXES, ["8-box", 8, "lamp"]]
    outcome = put(store, wards=[*WARDS, [9.5, "x", "y"], ["w", "", "W"]], boxes=boxes, beds=beds)
    assert wards.wards(store.read()) == []
    told = [(each.line.sheet, each.line.row, each.error.field) for each in outcome.problems]
    assert told == [
        ("wards", 4, "ward"), ("wards", 5, "name_zh"), ("boxes", 4, "role"), ("beds", 4, "bed"),
        ("beds", 5, "ward"), ("beds", 6, "box"), ("beds", 7, "box"), ("beds", 8, "unit"),
        ("beds", 9, "bed"), ("beds", 10, "unit"), ("beds", 11, "unit"), ("beds", 12, "ward"),
    ]  # fmt: skip


def test_a_bed_moves_to_another_unit_and_what_is_left_empty_stays(store: Store) -> None:
    put(store, **WHOLE)
    moved = put(store, beds=[BEDS[0], [7, 1, None, 9]])
    assert counts(moved)["beds"] == (0, 1, 0)
    bed = wards.bed(store.read(), "7", "1")
    assert bed is not None
    assert (bed["node"], bed["unit"]) == ("7-box", 9)
    assert counts(put(store, beds=[BEDS[0][:2], [7, 1]]))["beds"] == (0, 0, 1)


def test_a_box_at_work_does_not_change_its_ward(store: Store) -> None:
    put(store, **WHOLE)
    outcome = put(store, boxes=[BOXES[0], ["7-box", 8, "床旁"]])
    assert ["7-box is at work" in str(each.error) or str(each.error) for each in outcome.problems]
    assert (wards.node(store.read(), "7-box") or {})["ward"] == "7"


def test_the_set_up_is_in_the_audit(store: Store) -> None:
    put(store, **WHOLE)
    rows = store.read().all("SELECT who, what FROM audit")
    told = {row["what"] for row in rows if row["who"] == "engineer"}
    assert {"ward.add", "node.add", "bed.add", "phone.add", "hospital.set_up"} <= told


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_example_is_a_house_that_can_be_set_up(store: Store, lang: str) -> None:
    said = {column.about: column.about for sheet in sheets.SHEETS for column in sheet.columns}
    lines = workbook.read(workbook.template(lang, said, examples=True))
    with store.transaction() as tx:
        outcome = service.put(tx, lines, "engineer", "example.xlsx")
    assert outcome.problems == []
    assert {each["id"] for each in wards.wards(store.read())} == {"7", "8"}
    empty = load_workbook(io.BytesIO(workbook.template(lang, said, examples=False)))
    assert empty.sheetnames == [sheet.names[lang] for sheet in sheets.SHEETS]
    # What is typed is text in every row: 0012 keeps its noughts.
    for sheet in sheets.SHEETS:
        columns = empty[sheet.names[lang]].column_dimensions
        assert {each.number_format for each in columns.values()} == {"@"}
        assert len(columns) == len(sheet.columns)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "no workbook"),
        (b"PK\x03\x04", "no workbook"),
        (book(wards=[["病区", "中文名称"]]), "the column 英文名称 / English name is missing"),
        (book(wards=[[*WARDS[0], "颜色"]]), "no use for a column 颜色"),
        (book(wards=[[*WARDS[0], "Ward"]]), "the column Ward stands there twice"),
        (book(wards=WARDS[:1]), "no rows"),
    ],
)
def test_a_file_that_is_no_such_workbook_is_told(raw: bytes, words: str) -> None:
    with pytest.raises(FieldError, match=words):
        workbook.read(raw)


def test_a_file_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = book(**WHOLE)
    monkeypatch.setattr(workbook, "MOST_UNPACKED_BYTES", 1000)
    with pytest.raises(FieldError, match="too large"):
        workbook.read(raw)


_TEXT = st.sampled_from(["", "7", "8", "1", "7-box", "x y", "247", "248", "a/b", "床旁", "中文",
                         "001565000007", "8007", "'", "\\u0000", "१"])  # fmt: skip


class _UndoError(Exception):
    pass


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(sheets.BY_KEY)),
            st.dictionaries(
                st.sampled_from(sorted({c.key for s in sheets.SHEETS for c in s.columns})), _TEXT
            ),
        ),
        max_size=12,
    )
)
def test_whatever_stands_in_the_cells_all_is_done_or_nothing(
    store: Store, rows: list[tuple[str, dict[str, str]]]
) -> None:
    order = [sheet.key for sheet in sheets.SHEETS]
    lines = [Line(key, at, cells) for at, (key, cells) in enumerate(rows, 2)]
    lines.sort(key=lambda line: order.index(line.sheet))
    with contextlib.suppress(_UndoError), store.transaction() as tx:
        outcome = service.put(tx, lines, "engineer", "x.xlsx")
        audited = tx.value("SELECT count(*) FROM audit WHERE who = 'engineer'")
        assert bool(audited) == (not outcome.problems)
        if not outcome.problems:
            again = service.look(tx, lines)
            assert again.problems == []
            assert {did for _, did in again.lines} <= {service.SAME}
        raise _UndoError
