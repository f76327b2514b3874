"""The pages of escalation policies: the form, its trial, refusals, versions, JSON."""

import io
import json
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.directory import service as directory
from central.escalation import model, policy
from central.store import Store
from central.wards import model as wards
from tests.console.busy import fill_directory
from tests.visitor import token_of

AsUser = Callable[[str], FlaskClient]


class Form(HTMLParser):
    """The fields of the form a page holds, as a browser would send them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self._inside = False
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "form":
            self._inside = given.get("id") == "policy-form"
        name = given.get("name", "")
        if not self._inside and given.get("form") != "policy-form":
            if tag == "option" and self._select and "selected" in given:
                self.fields.append((self._select, given["value"]))
            return
        if tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self.fields.append((self._select, given.get("value", "")))
        elif tag == "input" and name:
            if given.get("type") in ("checkbox", "radio") and "checked" not in given:
                return
            self.fields.append((name, given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        if tag == "form":
            self._inside = False

    def sent(self, **changes: Any) -> dict[str, Any]:
        """With fields replaced: `r0s1_after="20"` for r0s1-after; lists for many."""
        data: dict[str, list[str]] = {}
        for name, value in self.fields:
            data.setdefault(name, []).append(value)
        for name, value in changes.items():
            key = name.replace("_", "-", 1) if name.startswith("r") and name != "rules" else name
            data[key] = value if isinstance(value, list) else [value]
        return data


@pytest.fixture
def hospital(db: Store) -> Store:
    with db.transaction() as tx:
        wards.set_neighbour(tx, "3", "5")
    return db


def form(client: FlaskClient, **changes: Any) -> dict[str, Any]:
    return Form(client.get("/policies/3").text).sent(**changes)


def saved(db: Store) -> int:
    return int(db.read().value("SELECT count(*) FROM policies"))


def test_the_form_that_is_shown_is_the_policy_and_saves_as_it_is(
    as_user: AsUser, hospital: Store
) -> None:
    client = as_user("wang")
    answer = client.post("/policies/3", data=form(client, action="save"))
    assert answer.status_code == 302
    assert model.active(hospital.read(), "3") == policy.default()
    page = client.get("/policies/3").text
    assert "No hole: every call reaches somebody at every hour." in page
    [entry] = hospital.read().all("SELECT * FROM audit WHERE what = 'policy.save'")
    assert (entry["who"], entry["ref"]) == ("wang", "policy/3/1")


def test_buttons_work_without_scripts_and_save_nothing(as_user: AsUser, hospital: Store) -> None:
    client = as_user("wang")
    page = client.post("/policies/3", data=form(client, r0s1_after="12", do="step-add 0")).text
    assert 'value="12"' in page, "what was typed is kept"
    fields = dict(Form(page).fields)
    assert (fields["r0-steps"], fields["r0s5-after"], fields["r0s5-unit"]) == ("6", "2", "min")
    assert page.count("autofocus") == 1
    assert saved(hospital) == 0


def test_a_hole_is_shown_at_its_step_and_hour_and_refused(as_user: AsUser, hospital: Store) -> None:
    client = as_user("wang")
    night = {"r1_from": "22:00", "r1_to": "06:00", "r0s4_target": "ward_speaker"}
    answer = client.post("/policies/3", data=form(client, action="save", **night))
    assert answer.status_code == 409
    page = answer.text
    assert "Not saved" in page
    assert "06:00–22:00" in page
    assert "No rule fits: the call would reach nobody." in page
    at_step = page.split('id="r0s4-holes"')[1].split("</div>")[0]
    assert "The last step must be a person" in at_step
    assert dict(Form(page).fields)["r1-from"] == "22:00"
    chinese = client.post("/policies/3?lang=zh", data=form(client, action="save", **night)).text
    assert "没有适用的规则" in chinese
    assert saved(hospital) == 0


def test_phones_are_chosen_in_the_form_and_a_wrong_number_is_marked(
    as_user: AsUser, hospital: Store
) -> None:
    with hospital.transaction() as tx:
        directory.add_extension(tx, "8003", "三病区护士站", ward="3")
        directory.add_phone(tx, "0015650a1b2c", "8003")
    client = as_user("wang")
    page = client.get("/policies/3").text
    assert "phone of the nurse station (8003)" in page, "by the default policy"
    ring = {"r1s1_target": "phones:numbers", "r1s1_numbers": "8003, 8999", "r1s1_order": "in_turn"}
    refused = client.post("/policies/3", data=form(client, action="save", **ring))
    assert refused.status_code == 409
    at_step = refused.text.split('id="r1s1-holes"')[1].split("</div>")[0]
    assert "There is no extension 8999: correct it." in at_step
    ring["r1s1_numbers"] = "8003"
    assert client.post("/policies/3", data=form(client, action="save", **ring)).status_code == 302
    step = model.active(hospital.read(), "3")["rules"][1]["steps"][1]
    assert step["target"] == {"kind": "phones", "numbers": ["8003"], "order": "in_turn"}
    assert "telephones 8003 (one after the other)" in client.get("/policies/3").text


def test_the_trial_tells_each_kind_of_call_as_a_timeline(as_user: AsUser, hospital: Store) -> None:
    client = as_user("wang")
    asked = form(client, action="try", try_at="03:10", try_bed="2", r0s1_after="45")
    page = client.post("/policies/3", data=asked).text
    toilet = page.split('data-type="toilet"')[1].split('data-type="nurse"')[0]
    assert "whole day" in toilet
    assert "45 s" in toilet
    assert "nurse station: board and loudspeaker" in toilet
    assert "head nurse (Wang)" in toilet
    assert "neighbouring ward (Ward 5)" in toilet
    moment = page.split('class="moment"')[1].split("</dl>")[0]
    assert "0 s nurse station → 45 s ward speakers → 20 s" in moment
    assert 'value="03:10"' in page


def test_the_trial_says_that_find_me_outside_is_left_out(
    as_user: AsUser, hospital: Store, db: Store
) -> None:
    with db.transaction() as tx:
        fill_directory(tx)
        rule = {"types": ["nurse"], "beds": "all", "steps": [
            {"after_s": 0, "target": {"kind": "station"}},
            {"after_s": 10, "target": {"kind": "phones", "numbers": ["8101"]}},
        ]}  # fmt: skip
        model.add_version(tx, "3", {"name": "n", "rules": [rule]}, "wang")
    page = as_user("wang").get("/policies/3?lang=en").text
    assert "Find-me outside the house is left out for 8101: what nurse calls say stays" in page


def test_what_reaches_nobody_is_offered_greyed_and_refused(as_user: AsUser, db: Store) -> None:
    client = as_user("wang")  # ward 3 has no neighbour here
    page = client.get("/policies/3").text
    assert "neighbouring ward – reaches nobody" in page
    assert "set one, or take the step out" in page
    answer = client.post("/policies/3", data=form(client, action="save"))
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("changes", "where", "words"),
    [
        ({"r0s1_after": "soon"}, "rule 1, step 2", "whole number"),
        ({"r0_types": []}, "rule 1", "at least one kind of call"),
        ({"r2_from": "22:00"}, "rule 3", "both times"),
        ({"r1_repeat_s": "1"}, "rule 2", "smallest allowed number is 5"),
        ({"name": ""}, "the policy", "may not be empty"),
        ({"rules": "0"}, "the policy", "At least"),
    ],
)
def test_what_is_wrong_is_named_by_its_place_and_kept(
    as_user: AsUser, hospital: Store, changes: dict[str, Any], where: str, words: str
) -> None:
    client = as_user("wang")
    answer = client.post("/policies/3", data=form(client, action="save", **changes))
    assert answer.status_code == 400
    assert f"Not saved. In {where}: " in answer.text
    assert words in answer.text
    assert saved(hospital) == 0


def test_a_version_saved_meanwhile_is_not_overwritten_unseen(
    as_user: AsUser, hospital: Store
) -> None:
    client, other = as_user("wang"), as_user("zhao")
    mine = form(client, action="save", name="Mine")
    other.post("/policies/3", data=form(other, action="save", name="Theirs"))
    changed = client.post("/policies/3", data=mine | {"do": ["rule-copy 1"]}).text
    answer = client.post("/policies/3", data=Form(changed).sent(action="save"))
    assert answer.status_code == 409
    assert "somebody saved version 1 meanwhile" in answer.text
    again = Form(answer.text).sent(action="save")
    assert again["name"] == ["Mine"]
    assert client.post("/policies/3", data=again).status_code == 302
    assert model.active(hospital.read(), "3")["name"] == "Mine"


def test_versions_say_who_when_and_what_and_come_back(as_user: AsUser, hospital: Store) -> None:
    client = as_user("wang")
    client.post("/policies/3", data=form(client, action="save", r0s1_after="15"))
    client.post("/policies/3", data=form(client, action="save", r0s1_after="18", name="New"))
    page = client.get("/policies/3").text
    newest = page.split('data-version="2"')[1].split("data-version")[0]
    assert "wang" in newest
    changed = [" ".join(line.split("</span> ")[-1].split("</li>")[0].split())
               for line in newest.split("<li class=")[1:]]  # fmt: skip
    assert changed == [
        "Name: Default", "Name: New",
        "Staff emergency, Toilet call: 15 s ward speakers",
        "Staff emergency, Toilet call: 18 s ward speakers",
    ]  # fmt: skip
    assert 'value="15"' in client.get("/policies/3?version=1").text
    token = {"csrf_token": token_of(client, "/policies/3")}
    assert client.post("/policies/3/restore/1", data=token).status_code == 302
    document = model.active(hospital.read(), "3")
    assert document["rules"][0]["steps"][1]["after_s"] == 15
    assert "Version 1 is active again, as version 3." in client.get("/policies/3").text
    [entry] = hospital.read().all("SELECT * FROM audit WHERE what = 'policy.restore'")
    assert (entry["ref"], json.loads(entry["detail"])) == ("policy/3/3", {"from": 1})
    assert client.post("/policies/3/restore/9", data=token).status_code == 404
    assert client.get("/policies/3?version=9").status_code == 404


def test_a_version_that_has_holes_today_is_not_restored(as_user: AsUser, hospital: Store) -> None:
    client = as_user("zhao")
    for name in ("One", "Two"):
        client.post("/policies/3", data=form(client, action="save", name=name))
    with hospital.transaction() as tx:
        tx.execute("UPDATE users SET disabled = 1 WHERE role = 'engineer'")
    token = {"csrf_token": token_of(client, "/policies/3")}
    page = client.post("/policies/3/restore/1", data=token, follow_redirects=True).text
    assert "Not restored: version 1 has holes" in page
    assert "Nobody holds the role engineer" in page
    assert saved(hospital) == 2


def test_json_is_taken_along_and_brought_in_without_saving(
    as_user: AsUser, hospital: Store
) -> None:
    client = as_user("wang")
    file = client.get("/policies/3/export")
    assert file.get_json() == policy.default()
    assert "attachment" in file.headers["Content-Disposition"]
    changed = file.get_json() | {"name": "Brought in"}
    token = token_of(client, "/policies/3")
    page = client.post(
        "/policies/3/import",
        data={"csrf_token": token, "file": (io.BytesIO(json.dumps(changed).encode()), "p.json")},
    ).text
    assert dict(Form(page).fields)["name"] == "Brought in"
    assert "not saved yet" in page
    wrong = client.post(
        "/policies/3/import", data={"csrf_token": token, "document": '{"name": oops'}
    )
    assert wrong.status_code == 400
    assert "Line 1, column 10 is not JSON" in wrong.text
    assert "oops</textarea>" in wrong.text
    assert saved(hospital) == 0


def test_only_those_who_decide_change_and_only_their_own(as_user: AsUser, hospital: Store) -> None:
    with hospital.transaction() as tx:
        wards.set_neighbour(tx, "5", "3")
    assert as_user("li").get("/policies").status_code == 403
    client = as_user("wang")
    looked = client.get("/policies/5").text
    assert "You may look at this policy" in looked
    assert 'name="do"' not in looked
    token = {"csrf_token": token_of(client, "/policies/3")}
    for path in ("/policies/5", "/policies/5/import", "/policies/5/restore/1"):
        assert client.post(path, data=token).status_code == 403
    assert as_user("admin").get("/policies/5").status_code == 200


def test_nothing_typed_is_believed_to_be_markup(
    as_user: AsUser, app: Flask, hospital: Store
) -> None:
    client = as_user("wang")
    evil = "<script>alert(1)</script>"
    sent = form(client, action="try", name=evil, r0_beds=[evil], r0_all_beds="no", r0s1_after=evil)
    assert evil not in client.post("/policies/3", data=sent).text
