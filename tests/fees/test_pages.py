"""The pages of fees: who sees whose bill, and rules that are edited with their effect in sight."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.fees import model, service
from central.hospital.told import Told
from central.store import Store
from central.wards import model as wards
from tests.fees.conftest import ZONE, charge, charged
from tests.visitor import console, hire, log_in, store_of, token_of

AsUser = Callable[[str], FlaskClient]
RULES = {
    "name": "职工", "plan": "", "care": "outpatient", "per": "year", "from_day": "2026-01-01",
    "deductible": "800", "upto_0": "", "rate_0": "85", "cap": "", "do": "save",
}  # fmt: skip
ITEM = {
    "code": "CT/1", "from_day": "2026-01-01", "name": "平扫", "kind": "B", "limit": "110",
    "first": "10", "do": "save",
}  # fmt: skip


@pytest.fixture
def app(tmp_path: Path, clock: Any) -> Iterator[Flask]:
    with console(tmp_path, clock) as made:
        with store_of(made).transaction() as tx:
            for ward in ("3", "5"):
                wards.add_ward(tx, ward, f"{ward}病区", f"Ward {ward}")
                wards.add_node(tx, f"{ward}-box", ward, "bedside")
                wards.add_bed(tx, ward, "1", f"{ward}-box")
            for patient, ward in (("p1", "3"), ("p2", "5")):
                tx.insert(
                    "patients", id=patient, name=f"Name {patient}", sex="", birth="", updated_ms=0
                )
                tx.insert(
                    "stays", patient=patient, visit="v1", kind="", admitted_ms=0, ward=ward, bed="1"
                )
                told = Told("his/1", "HIS", ZONE)
                event = charged(
                    charge(f"{patient}-1", 12_345, "CT/1"),
                    charge(f"{patient}-c", -700, "CT/1", original="gone"),
                    patient=patient,
                )
                service.HOSPITAL[type(event)](tx, event, told)
        for name, role, ward in (
            ("wang", "head_nurse", "3"), ("zhao", "duty_manager", None), ("sun", "registry", None),
            ("admin", "admin", None),
        ):  # fmt: skip
            hire(made, name, role, ward)
        yield made


@pytest.fixture
def as_user(app: Flask) -> AsUser:
    return lambda name: log_in(app, name)


@pytest.fixture
def db(app: Flask) -> Store:
    return store_of(app)


def read_by(db: Store) -> list[tuple[str, str, str]]:
    rows = db.read().all("SELECT who, what, ref FROM audit WHERE what LIKE 'fees.%' ORDER BY id")
    return [tuple(row) for row in rows]  # type: ignore[misc]


def send(client: FlaskClient, path: str, **form: Any) -> Any:
    return client.post(path, data={"csrf_token": token_of(client, "/fees"), **form})


def seen_of(client: FlaskClient, path: str) -> str:
    """The mark that the form at `path` bears."""
    return client.get(path).text.split('name="seen" value="')[1].split('"')[0]


def test_a_head_nurse_sees_the_fees_of_her_ward_and_each_look_is_in_the_audit(
    as_user: AsUser, db: Store
) -> None:
    nurse = as_user("wang")
    page = nurse.get("/fees").text
    assert "Name p1" in page
    assert "¥123.45" in page
    assert "Name p2" not in page
    assert nurse.get("/fees?ward=5").status_code == 403
    bill = nurse.get("/fees/patients/p1").text
    assert "estimate" in bill
    assert "Count it" not in bill
    assert nurse.get("/fees/patients/p2").status_code == 403
    assert nurse.get("/fees/patients/p2/lines.csv?visit=v1").status_code == 403
    assert nurse.get("/fees/patients/nobody").status_code == 403
    assert nurse.get("/fees/rules/new").status_code == 403
    assert as_user("zhao").get("/fees/patients/p2").status_code == 200
    assert as_user("zhao").get("/fees/patients/nobody").status_code == 404
    assert read_by(db)[:3] == [
        ("wang", "fees.ward", "ward/3"), ("wang", "fees.read", "fees/p1"),
        ("zhao", "fees.read", "fees/p2"),
    ]  # fmt: skip
    with db.transaction() as tx:
        wards.set_neighbour(tx, "5", "3")
    assert "Name p2" in nurse.get("/fees?ward=5").text, "who looks after a ward sees its fees"
    assert nurse.get("/fees/patients/p2").status_code == 200
    table = nurse.get("/fees/patients/p1/lines.csv?visit=v1").text
    assert "CT/1,,,1,12345,12345,0,0,0" in table


def test_rules_are_checked_shown_with_their_effect_and_then_saved(
    as_user: AsUser, db: Store
) -> None:
    admin = as_user("admin")
    path = "/fees/rules/new"
    for wrong, words in (
        ({"name": " "}, "Enter the name"),
        ({"care": "x"}, "Choose inpatients or outpatients"),
        ({"from_day": "2026-02-30"}, "Dates are written as"),
        ({"deductible": "-1"}, "Write an amount in yuan"),
        ({"deductible": "1.005"}, "Write an amount in yuan"),
        ({"rate_0": "101"}, "Write a share in percent"),
        ({"rate_0": "nan"}, "Write a share in percent"),
        ({"rate_0": ""}, "Enter at least one share"),
        ({"rate_1": "90"}, "The line above has no end"),
        ({"upto_0": "100", "upto_1": "100", "rate_1": "90"}, "This must be more than"),
        ({"do": "show", "example_A": "much"}, "Write an amount in yuan"),
    ):
        answer = send(admin, path, seen=seen_of(admin, path), **RULES | wrong)
        assert words in answer.text, wrong
        assert answer.status_code == (200 if "do" in wrong else 400)
    shown = send(admin, path, seen=seen_of(admin, path), **RULES | {"do": "show"}).text
    assert "¥6,715.00" in shown, "the example is that of the reference"
    assert "¥3,285.00" in shown
    assert model.rule_sets(db.read()) == [], "showing saves nothing"
    assert send(admin, path, seen=seen_of(admin, path), **RULES).status_code == 302
    twice = send(admin, path, seen=seen_of(admin, path), **RULES)
    assert (twice.status_code, "from this very day on" in twice.text) == (400, True)
    changed = send(
        admin, path, seen=seen_of(admin, path), **RULES | {"do": "show", "deductible": "1000",
        "from_day": "2026-07-01"},
    ).text  # fmt: skip
    assert "¥6,715.00" in changed
    assert "¥6,545.00" in changed, "beside what holds now"


def test_nothing_is_saved_over_what_somebody_else_changed(as_user: AsUser, db: Store) -> None:
    admin = as_user("admin")
    send(admin, "/fees/rules/new", seen=seen_of(admin, "/fees/rules/new"), **RULES)
    (row,) = model.rule_rows(db.read())
    path = f"/fees/rules/{row['id']}"
    old = seen_of(admin, path)
    assert send(admin, path, seen=old, **RULES | {"rate_0": "80"}).status_code == 302
    late = send(admin, path, seen=old, **RULES | {"rate_0": "70"})
    assert late.status_code == 409
    assert "somebody else changed it" in late.text
    assert "80 %" in late.text, "what stands there now is told"
    assert 'value="70"' in late.text, "and what was typed is kept"
    assert send(admin, f"{path}/remove", seen=old).status_code == 302
    assert model.rule_sets(db.read())[0].bands[0].rate_bp == 8000, "nor removed"
    again = late.text.split('name="seen" value="')[1].split('"')[0]
    assert send(admin, path, seen=again, **RULES | {"rate_0": "70"}).status_code == 302
    assert model.rule_sets(db.read())[0].bands[0].rate_bp == 7000
    assert send(admin, f"{path}/remove", seen=seen_of(admin, path)).status_code == 302
    assert model.rule_sets(db.read()) == []
    assert admin.get(path).status_code == 404
    told = db.read().all("SELECT detail FROM audit WHERE what = 'fee_rules.put' ORDER BY id")
    assert [row["detail"] for row in told[1:]] == [
        '{"paid": ["80%"]}', '{"paid": ["70%"]}',
    ]  # fmt: skip
    assert admin.get("/audit?lang=en").status_code == 200


def test_an_item_has_versions_and_its_effect_is_shown_first(as_user: AsUser, db: Store) -> None:
    admin = as_user("admin")
    path = "/fees/items/new"
    for wrong, words in (
        ({"code": ""}, "Enter the code"),
        ({"code": "a\x07"}, "Enter the code"),
        ({"kind": "D"}, "Choose a class"),
        ({"kind": "A"}, "Only class B"),
        ({"first": ""}, "Class B needs"),
        ({"limit": "1e9999999"}, "Write an amount in yuan"),
    ):
        answer = send(admin, path, seen=seen_of(admin, path), **ITEM | wrong)
        assert (answer.status_code, words in answer.text) == (400, True), wrong
    assert "CT/1" in admin.get("/fees/items").text, "charged, and not in the catalogue"
    example = {"do": "show", "example_price": "120", "example_units": "1"}
    shown = send(admin, path, seen=seen_of(admin, path), **ITEM | example).text
    assert "¥11.00" in shown
    assert "2 charges that came so far" in shown or "4 charges that came so far" in shown
    assert send(admin, path, seen=seen_of(admin, path), **ITEM).status_code == 302
    assert "¥110.00" in admin.get("/fees/items?find=ct").text
    same_day = send(admin, path, seen=seen_of(admin, path), **ITEM)
    assert "has a version from this very day on" in same_day.text
    later = ITEM | {"from_day": "2099-01-01", "kind": "C", "first": ""}
    assert send(admin, path, seen=seen_of(admin, path), **later).status_code == 302
    one = "/fees/items/2026-01-01/CT/1"
    old = seen_of(admin, one)
    assert send(admin, one, seen=old, **ITEM | {"limit": "120"}).status_code == 302
    assert send(admin, one, seen=old, **ITEM | {"limit": "130"}).status_code == 409
    future = "/fees/items/2099-01-01/CT/1"
    gone = {"code": "CT/1", "from_day": "2099-01-01", "seen": seen_of(admin, future)}
    assert send(admin, "/fees/items/remove", **gone).status_code == 302
    assert [row["limit_fen"] for row in model.versions(db.read(), "CT/1")] == [12_000]


def test_a_catalogue_is_taken_in_after_it_was_seen(as_user: AsUser, db: Store) -> None:
    admin = as_user("admin")

    def upload(text: str) -> Any:
        file = (io.BytesIO(text.encode("gb18030")), "目录.csv")
        return send(admin, "/fees/import", from_day="2026-01-01", file=file)

    assert "Choose a CSV file" in send(admin, "/fees/import", from_day="2026-01-01").text
    assert "must name the column" in upload("名称\n").text
    seen = upload("编码,名称,类别\nCT/1,平扫,甲\nX,坏,戊\n").text
    assert "Choose a class" in seen
    assert model.versions(db.read(), "CT/1") == []
    address = seen.split('action="/fees/import/')[1].split('"')[0]
    mark = seen.split('name="seen" value="')[1].split('"')[0]
    form = {"seen": seen_of(admin, "/fees/items/new"), **ITEM, "from_day": "2025-06-01"}
    assert send(admin, "/fees/items/new", **form).status_code == 302
    again = send(admin, f"/fees/import/{address}", seen=mark)
    assert again.status_code == 409, "the catalogue was changed meanwhile: it is shown anew"
    mark = again.text.split('name="seen" value="')[1].split('"')[0]
    assert send(admin, f"/fees/import/{address}", seen=mark).status_code == 302
    assert [row["kind"] for row in model.versions(db.read(), "CT/1")] == ["A", "B"]
    assert send(admin, f"/fees/import/{address}", seen=mark).status_code == 404
    assert "CT/1" in admin.get("/fees/items.csv").text


def test_a_clerk_lets_a_credit_count_and_enters_what_was_used_up_elsewhere(
    as_user: AsUser, db: Store
) -> None:
    admin = as_user("admin")
    day = service.today(db.clock.now_ms(), ZONE)

    def fees() -> service.Fees:
        return service.summary(db.read(), "p1", "v1", day)

    assert fees().waiting
    credit = {"sender": "HIS", "id": "p1-c", "visit": "v1"}
    clerk = as_user("sun")
    assert send(as_user("zhao"), "/fees/patients/p1/alone", **credit).status_code == 403
    assert send(clerk, "/fees/patients/p2/alone", **credit).status_code == 404
    assert "Count it" in clerk.get("/fees/patients/p1").text
    assert send(clerk, "/fees/patients/p1/alone", **credit).status_code == 302
    assert (fees().total_fen, fees().waiting) == (12_345 - 700, ())
    send(
        admin, "/fees/rules/new", seen=seen_of(admin, "/fees/rules/new"),
        **RULES | {"care": "inpatient", "rate_0": "100"},
    )  # fmt: skip
    form = {
        "seen": seen_of(admin, "/fees/items/new"),
        **ITEM,
        "kind": "A",
        "first": "",
        "limit": "",
    }
    send(admin, "/fees/items/new", **form)
    assert fees().insured_fen == 0
    used = {"year": "2026", "rules": "|inpatient", "dedc": "800", "fund": "0"}
    path = "/fees/patients/p1/elsewhere"
    for wrong in ({"year": "26"}, {"year": "²⁰²⁶"}, {"rules": "x|inpatient"}, {"dedc": "x"}):
        assert send(clerk, path, **used | wrong).status_code == 400, wrong
    assert send(clerk, path, **used).status_code == 302
    assert fees().insured_fen == 12_345 - 700
    assert "¥800.00" in admin.get("/fees/patients/p1").text
