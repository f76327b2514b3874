"""A catalogue as a table: what is wrong in which row, what would change, and nothing lost."""

import csv
import io
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.console.sheet import _cell as guarded
from central.console.sheet import decoded
from central.errors import FieldError
from central.fees import editing, importing, model
from central.fees.scope import A, B, C, Item
from central.store import Store

DAY = "2026-05-01"


def test_rows_are_read_in_both_languages_and_what_is_wrong_is_told_by_row() -> None:
    text = (
        "项目名称,国家编码,甲乙丙,限价（元）,先自付比例,生效日期\n"
        "头孢,X1,甲类,,0,2026/1/5\n"
        "平扫,X2,乙,\"1,230.50\",10%,\n"
        "核磁,X3,乙,,0.1,\n"
        "\n"
        "床位,X4,丁,,,\n"
        "起搏器,X5,乙,,,\n"
        "纱布,X6,甲,许多,,\n"
        "头孢二,X1,甲,,,2026-01-05\n"
        "特需,X7,丙,,100%,\n"
    )  # fmt: skip
    found = importing.read(text, DAY)
    assert found.rows == (
        (Item("X1", "头孢", A), "2026-01-05"),
        (Item("X2", "平扫", B, 123_050, 1000), DAY),
        (Item("X3", "核磁", B, None, 1000), DAY),
        (Item("X7", "特需", C), DAY),
    )
    told = [(each.row, each.code, each.error.field) for each in found.problems]
    assert told == [(6, "X4", "kind"), (7, "X5", "first"), (8, "X6", "limit"), (9, "X1", "code")]


@pytest.mark.parametrize(
    "text", ["", "code,name\nX,x\n", "code,name,class\n", 'code,name,class\n"X"x,y,A\n', "\x00"]
)
def test_what_is_no_catalogue_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(FieldError) as wrong:
        importing.read(text, DAY)
    assert wrong.value.field == "file"


def test_a_file_is_read_as_utf8_or_as_spreadsheets_write_it_in_china() -> None:
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        assert decoded("编码,乗".encode(encoding)) == "编码,乗"
    with pytest.raises(FieldError):
        decoded(b"\xff\xff\xff")


def test_only_what_differs_is_put_and_a_second_time_nothing(store: Store) -> None:
    with store.transaction() as tx:
        editing.put_item(tx, Item("X1", "头孢", A), "2026-01-01", "admin")
        editing.put_item(tx, Item("X2", "平扫", B, 12_000, 1000), "2026-01-01", "admin")
    rows = (
        (Item("X2", "平扫", B, 12_000, 1000), "2026-06-01"),
        (Item("X1", "头孢", A), "2026-03-01"),
        (Item("X2", "平扫", C), "2026-03-01"),
    )
    with store.transaction() as tx:
        wanted = importing.changes(tx, rows)
        assert [(each.item.code, each.from_day) for each in wanted] == [
            ("X2", "2026-06-01"), ("X2", "2026-03-01"),
        ], "back to what it was is a change, too"  # fmt: skip
        importing.put(tx, 0, wanted, "admin")
    with store.transaction() as tx:
        assert importing.changes(tx, rows) == []
        versions = model.item_versions(tx, ["X2"])["X2"]
    assert [(str(day), item.kind) for day, item in versions] == [
        ("2026-06-01", B), ("2026-03-01", C), ("2026-01-01", B),
    ]  # fmt: skip


NAMES = st.text('aZ9乗头",;|%=-/', min_size=1, max_size=12)


@settings(max_examples=25)
@given(
    st.dictionaries(
        st.tuples(NAMES, st.dates(date(2001, 1, 1), date(2099, 1, 1)).map(str)),
        st.tuples(
            NAMES,
            st.sampled_from((A, B, C)),
            st.none() | st.integers(0, 10**9),
            st.integers(0, 10_000),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_exported_is_imported_as_it_was(
    catalogue: dict[tuple[str, str], tuple[str, str, int | None, int]],
) -> None:
    rows = [
        (Item(code, name, kind, limit, first if kind == B else 0), day)
        for (code, day), (name, kind, limit, first) in catalogue.items()
    ]
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(importing.HEADING)
    for item, day in rows:
        writer.writerow(map(guarded, importing.as_row(item, day)))
    found = importing.read(decoded(table.getvalue().encode("utf-8-sig")), DAY)
    assert found.problems == ()
    assert found.rows == tuple(rows)
