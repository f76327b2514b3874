"""A database of before is brought to what is wanted now."""

from sqlite_utils import Database

from central.information import model


def test_entries_of_before_are_told_apart_by_what_they_lack() -> None:
    db = Database(memory=True)
    model.migrations.apply(db, stop_before="m002_order")
    row = {"section": "advice", "position": 10, "valid_from": "", "valid_to": "", "text_en": "",
           "details": "{}", "find": ""}  # fmt: skip
    for code, english in (("1", "A"), ("2", "")):
        text = {"code": code, "title_zh": "甲", "title_en": english, "text_zh": ""}
        db.table("info_entries").insert(row | text)
    model.migrations.apply(db)
    lacking = [each["lacks_en"] for each in db["info_entries"].rows]
    assert lacking == [0, 1]
