"""Ages as people say them."""

from datetime import date

import pytest

from central.admissions.age import age

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("birth", "said"),
    [
        ("1980-11-24", (46, "years")),
        ("1980-11-25", (45, "years")),
        ("1980", (46, "years")),
        ("1980-12", (45, "years")),
        ("2024-11-24", (2, "years")),
        ("2024-11-25", (23, "months")),
        ("2026-10-24", (1, "months")),
        ("2026-10-25", (30, "days")),
        ("2026-11", (0, "months")),
        ("2026", (0, "years")),
        ("2026-11-24", (0, "days")),
        ("2026-11-25", None),
        ("1890-01-01", None),
        ("2026-02-30", None),
        ("", None),
        ("x", None),
    ],
)
def test_age(birth: str, said: tuple[int, str] | None) -> None:
    assert age(birth, TODAY) == said
