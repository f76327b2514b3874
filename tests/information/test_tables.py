"""Entries as a table: what is wrong in which row, what would change, and nothing lost."""

import csv
import io
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.console.sheet import _cell as guarded
from central.directory.present import mark
from central.errors import FieldError
from central.information import editing, importing, model
from central.information.kinds import EXPERT, INSURED, MEDICINE, RANKS
from central.store import Row, Store
from tests.information.conftest import put


def section(store: Store, id: str) -> Row:
    row = model.section(store.read(), id)
    assert row is not None
    return row


def take(store: Store, id: str, text: str) -> tuple[importing.Read, list[importing.Change]]:
    """Read a table and put what it would change."""
    with store.transaction() as tx:
        found, wanted = importing.read(tx, section(store, id), text)
        importing.put(tx, section(store, id), 0, wanted, "sun")
    return found, wanted


def test_rows_are_read_in_both_languages_and_what_is_wrong_is_told_by_row(store: Store) -> None:
    text = (
        "编号,标题（中文）,Title (English),rank,科室 (中文),生效日期,顺序\n"
        "1,王一,Wang Yi,主任医师,外科,2026/1/5,\n"
        "2,李二,,Attending physician,,,20\n"
        "\n"
        "x3,张三,,,,,\n"
        ",赵四,,,,,\n"
        "5,,,,,,\n"
        "6,钱六,,护士,,,\n"
        "7,孙七,,,,明天,\n"
        "8,周八,,,,,前\n"
        "1,吴九,,,,,\n"
    )
    found, wanted = take(store, "experts", text)
    told = [(each.row, each.code, each.error.field) for each in found.problems]
    assert told == [
        (5, "x3", "code"), (6, "", "code"), (7, "5", "title_zh"), (8, "6", "rank"),
        (9, "7", "valid_from"), (10, "8", "position"), (11, "1", "code"),
    ]  # fmt: skip
    assert [each.values["code"] for each in wanted] == ["1", "2"]
    rows = model.entries(store.read(), "experts")
    stand = [model.values_of(row, EXPERT) for row in rows]
    assert [(each["title_zh"], each["rank"], each["valid_from"]) for each in stand] == [
        ("王一", "chief", "2026-01-05"), ("李二", "attending", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "标题(中文)\n王一\n", "编号,标题(中文)\n", '编号,标题(中文)\n"1"x,王一\n', "\x00"]
)
def test_what_is_no_such_table_is_refused_as_a_whole(store: Store, text: str) -> None:
    with pytest.raises(FieldError) as wrong:
        importing.read(store.read(), section(store, "experts"), text)
    assert wrong.value.field == "file"


def test_a_column_that_is_left_out_stays_and_so_do_other_entries(told: Store) -> None:
    found, wanted = take(told, "medicines", "编号,单价(元)\n10001,13.20\n10009,1\n")
    assert [(each.row, each.error.field) for each in found.problems] == [(3, "title_zh")]
    assert [each.fields for each in wanted] == [["price_fen"]]
    stand = {row["code"]: model.values_of(row, MEDICINE) for row in
             model.entries(told.read(), "medicines")}  # fmt: skip
    assert (stand["10001"]["price_fen"], stand["10001"]["insured"]) == (1320, "A")
    assert stand["10002"]["price_fen"] == 2860
    [newest, _] = model.versions(told.read(), model.entries(told.read(), "medicines")[0]["id"])
    assert (newest["what"], newest["by"]) == ("imported", "sun")
    assert take(told, "medicines", "编号,单价(元)\n10001,13.20\n")[1] == [], "a second time nothing"


def test_a_number_that_somebody_takes_meanwhile_is_refused(store: Store) -> None:
    put(store, "advice", "1", "一")
    row = section(store, "advice")
    with store.transaction() as tx:
        wanted = editing.checked(row["kind"], {"code": "1", "title_zh": "二"})
        with pytest.raises(FieldError) as wrong:
            editing.save(tx, row, None, wanted, mark(editing.NOTHING), "sun")
    assert wrong.value.field == "code"


TEXT = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")),
    max_size=12,
).filter(lambda text: not text.startswith("'"))
ENTRY = st.fixed_dictionaries(
    {"title_zh": TEXT.filter(bool), "title_en": TEXT, "text_zh": TEXT, "text_en": TEXT,
     "spec_zh": TEXT, "spec_en": TEXT, "unit_zh": TEXT, "unit_en": TEXT,
     "insured": st.sampled_from(["", *INSURED]),
     "price_fen": st.integers(0, 10**9).map(lambda fen: f"{fen // 100}.{fen % 100:02d}"),
     "valid_from": st.just("") | st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(str)}
)  # fmt: skip


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.integers(1, 10**8 - 1).map(str), ENTRY, min_size=1, max_size=5))
def test_what_is_exported_is_read_as_it_stands(store: Store, entries: dict[str, Any]) -> None:
    row = section(store, "medicines")
    with store.transaction() as tx:
        tx.execute("DELETE FROM info_versions")
        tx.execute("DELETE FROM info_entries")
        for code, typed in entries.items():
            wanted = editing.checked(MEDICINE, typed | {"code": code})
            editing.save(tx, row, None, wanted, mark(editing.NOTHING), "sun")
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(importing.all_columns(MEDICINE))
    for line in importing.as_rows(store.read(), row):
        writer.writerow([guarded(cell) for cell in line])
    found, wanted_now = importing.read(store.read(), row, table.getvalue())
    assert found.problems == ()
    assert wanted_now == []
    assert len(found.rows) == len(entries)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from(
    ["编号", "Title (Chinese)", "rank", "1", "x", "王", "2026-01-05", "\n", '"', ",", "'=1", *RANKS]
), max_size=5), max_size=6))  # fmt: skip
def test_whatever_a_table_holds_it_is_read_or_refused(store: Store, lines: list[list[str]]) -> None:
    text = "\n".join(",".join(line) for line in lines)
    try:
        found, wanted = importing.read(store.read(), section(store, "experts"), text)
    except FieldError as error:
        assert error.field == "file"  # noqa: PT017
        return
    assert len(wanted) <= len(found.rows)
    assert all(each.row >= 2 for each in found.problems)
