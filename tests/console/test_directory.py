"""The pages of the telephone directory: add, change, remove, and two who change the same thing."""

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from central.console import model as users
from central.directory import changing, model, service
from central.directory.kinds import KINDS
from central.escalation import model as escalation
from central.personal import finding, speed
from central.store import Store
from gateway.telephone.personal import Target
from tests.console.busy import fill_directory, fill_ward
from tests.console.conftest import token_of

DEVICE = "0015650a1b2c"


@pytest.fixture
def client(as_user: Callable[[str], FlaskClient], db: Store) -> FlaskClient:
    """The telephone administrator, and a directory of some things."""
    with db.transaction() as tx:
        fill_directory(tx)
    return as_user("qian")


def filled(client: FlaskClient, path: str) -> dict[str, str | list[str]]:
    """The form of the page `path` as a browser would send it back unchanged."""
    page = client.get(path).text
    form = page[page.index('<form method="post" class="narrow"') :]
    form = form[: form.index("</form>")]
    found: dict[str, str | list[str]] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        given = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if given.get("type") != "checkbox":
            found[given["name"]] = html.unescape(given.get("value", ""))
        elif " checked" in tag:
            found.setdefault(given["name"], []).append(given["value"])  # type: ignore[union-attr]
    for name, options in re.findall(r'<select [^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.findall(r'<option value="([^"]*)" selected', options)
        found[name] = chosen[0] if chosen else ""
    for name, text in re.findall(r'<textarea [^>]*name="(\w+)"[^>]*>(.*?)</textarea>', form, re.S):
        found[name] = html.unescape(text)
    return found


def test_the_telephone_administrator_begins_with_the_telephone(client: FlaskClient) -> None:
    assert client.get("/").headers["Location"] == "/telephone"
    page = client.get("/directory/phones?lang=en").text
    assert 'href="/directory/extensions"' in page
    for path in ("/board", "/beds", "/calls", "/users", "/nodes"):
        assert f'href="{path}"' not in page


@pytest.mark.parametrize("path", KINDS)
def test_a_form_sent_back_as_it_came_changes_nothing(
    client: FlaskClient, db: Store, path: str
) -> None:
    before = model.directory(db.read())
    for ref in _refs(client, path):
        address = f"/directory/{path}/{ref}"
        answer = client.post(address, data=filled(client, address))
        assert answer.status_code == 302, answer.text
    assert model.directory(db.read()) == before
    done = db.read().all("SELECT what FROM audit WHERE who = 'qian' AND what != 'login'")
    assert [row["what"] for row in done] == []


def _refs(client: FlaskClient, path: str) -> list[str]:
    found = re.findall(r'data-ref="([^"]+)"', client.get(f"/directory/{path}").text)
    assert found
    return found


def test_a_phone_is_added_changed_and_removed(client: FlaskClient, db: Store) -> None:
    form = filled(client, "/directory/phones/new?number=8101")
    assert form["number"] == "8101"
    form |= {"device": "02-00-00-00-00-01", "label": "Softphone", "groups": "nurses、icu"}
    answer = client.post("/directory/phones/new", data=form)
    assert answer.headers["Location"] == "/directory/phones/020000000001"
    phone = model.directory(db.read()).phones[-1]
    assert (phone.device, phone.number, phone.groups) == ("020000000001", "8101", ("icu", "nurses"))
    form = filled(client, "/directory/phones/020000000001") | {"lines": "1", "lang": "en"}
    assert client.post("/directory/phones/020000000001", data=form).status_code == 302
    phone = model.directory(db.read()).phones[-1]
    assert (phone.lines, phone.lang) == (1, "en")
    form = filled(client, "/directory/phones/020000000001")
    answer = client.post("/directory/phones/020000000001/remove", data=form)
    assert answer.headers["Location"] == "/directory/phones"
    assert len(model.directory(db.read()).phones) == 2
    assert client.get("/directory/phones/020000000001").status_code == 404


def test_what_was_typed_stays_and_what_is_wrong_stands_at_its_field(
    client: FlaskClient, db: Store
) -> None:
    before = model.directory(db.read())
    form = filled(client, "/directory/routes/new")
    form |= {"name": "odd", "patterns": "9NXX\n9.", "trunk": "world", "limit_s": "ten"}
    answer = client.post("/directory/routes/new?lang=en", data=form)
    assert answer.status_code == 400
    assert re.search(r'is-invalid" id="limit_s".*value="ten"', answer.text)
    assert "Give a whole number." in answer.text
    assert ">9NXX\n9.</textarea>" in answer.text
    answer = client.post("/directory/routes/new", data=form | {"limit_s": "10"})
    assert re.search(r'is-invalid" id="patterns"', answer.text)
    assert '<option value="world" selected>' in answer.text
    assert model.directory(db.read()) == before


def test_a_line_a_class_and_a_route_have_their_limits(client: FlaskClient, db: Store) -> None:
    for path, given in (
        ("trunks/world", {"most_calls": "9", "day_calls": "200", "day_minutes": "600"}),
        ("classes/city", {"most_calls": "2", "day_calls": "50", "day_minutes": "90"}),
        ("routes/city", {"always": "1"}),
        (f"phones/{DEVICE}", {"encryption": "optional"}),
    ):
        form = filled(client, f"/directory/{path}") | given
        assert client.post(f"/directory/{path}", data=form).status_code == 302, path
        again = filled(client, f"/directory/{path}")
        assert {key: again[key] for key in given} == given
    now = model.directory(db.read())
    (line,), (route,) = now.trunks, now.routes
    assert (line.most_calls, line.day_calls, line.day_minutes) == (9, 200, 600)
    assert route.always
    assert next(each for each in now.phones if each.device == DEVICE).encryption == "optional"
    city = next(each for each in now.rights if each.name == "city")
    assert (city.most_calls, city.day_calls, city.day_minutes) == (2, 50, 90)
    form = filled(client, "/directory/trunks/world") | {"day_calls": "-1"}
    answer = client.post("/directory/trunks/world", data=form)
    assert answer.status_code == 400
    assert 'is-invalid" id="day_calls"' in answer.text


def test_two_who_change_the_same_thing_do_not_overwrite_each_other_unseen(
    client: FlaskClient, db: Store
) -> None:
    path = "/directory/extensions/8003?lang=en"
    mine = filled(client, path) | {"label": "Mine", "ring_s": "30"}
    with db.transaction() as tx:
        changing.change_extension(
            tx, "8003", "Theirs", ring_s=60, person=None, ward="3", phones=[DEVICE], by="other"
        )
    answer = client.post(path, data=mine)
    assert answer.status_code == 409
    assert "somebody else changed it meanwhile" in answer.text
    assert "Now: Theirs" in answer.text
    assert "Now: 60" in answer.text
    assert 'value="Mine"' in answer.text
    assert "<h1>8003 Mine</h1>" in answer.text
    assert model.directory(db.read()).lines[0].ring_s == 60
    # Now they have seen it.
    mine["seen"] = re.findall(r'name="seen" value="(\w+)"', answer.text)[0]
    assert client.post(path, data=mine).status_code == 302
    assert model.extension(db.read(), "8003")["label"] == "Mine"  # type: ignore[index]


def test_a_mistake_does_not_hide_what_others_change_meanwhile(
    client: FlaskClient, db: Store
) -> None:
    path = "/directory/extensions/8003"
    mine = filled(client, path) | {"ring_s": "4"}
    with db.transaction() as tx:
        tx.execute("UPDATE extensions SET ring_s = 90 WHERE number = '8003'")
    mine["seen"] = re.findall(r'name="seen" value="(\w+)"', client.get(path).text)[0]
    answer = client.post(path, data=mine)
    assert answer.status_code == 400
    with db.transaction() as tx:
        tx.execute("UPDATE extensions SET ring_s = 91 WHERE number = '8003'")
    again = mine | {"ring_s": "40"}
    again["seen"] = re.findall(r'name="seen" value="(\w+)"', answer.text)[0]
    assert client.post(path, data=again).status_code == 409


def test_nothing_is_saved_into_or_removed_from_what_is_gone_or_changed(
    client: FlaskClient, db: Store
) -> None:
    path = f"/directory/phones/{DEVICE}"
    mine = filled(client, path)
    with db.transaction() as tx:
        tx.execute("UPDATE phones SET label = 'Theirs'")
    client.post(f"{path}/remove", data=mine)
    assert model.phone(db.read(), DEVICE) is not None
    assert "Not removed: somebody changed it" in client.get(f"{path}?lang=en").text
    with db.transaction() as tx:
        tx.execute("DELETE FROM phones WHERE device = ?", (DEVICE,))
    answer = client.post(f"{path}?lang=en", data=mine | {"label": "Mine"})
    assert answer.status_code == 409
    assert "somebody removed it meanwhile" in answer.text
    assert 'value="Mine"' in answer.text
    assert client.post(f"{path}/remove", data=mine).status_code == 404
    assert client.get("/directory/nothing").status_code == 404


def test_what_is_in_use_names_its_users_and_stays(client: FlaskClient, db: Store) -> None:
    page = client.get("/directory/extensions/8003?lang=en").text
    assert "cannot be removed" in page
    assert f'href="/directory/phones/{DEVICE}"' in page
    assert 'href="/directory/trunks/world"' in page
    assert "/directory/extensions/8003/remove" not in page
    form = filled(client, "/directory/extensions/8003")
    told = client.post("/directory/extensions/8003/remove", data=form, follow_redirects=True)
    assert "Not removed. It is still used by: " in told.text
    assert model.extension(db.read(), "8003") is not None


def test_a_policy_that_names_an_extension_is_shown_as_its_user(
    client: FlaskClient, db: Store
) -> None:
    steps = [{"after_s": 0, "target": {"kind": "phones", "numbers": ["8101"]}}]
    rule = {"types": ["nurse"], "beds": "all", "steps": steps}
    with db.transaction() as tx:
        escalation.add_version(tx, "3", {"name": "n", "rules": [rule]}, "li")
    page = client.get("/directory/extensions/8101?lang=en").text
    assert "cannot be removed" in page
    assert "<li>Escalation policy of Ward 3</li>" in page


def test_a_removal_says_what_goes_with_it(client: FlaskClient) -> None:
    page = client.get(f"/directory/phones/{DEVICE}?lang=en").text
    assert "rings no more for 8003, and its password is gone." in page
    assert 'data-ask="Remove 护士站左?' in page


def test_what_leads_to_a_number_is_named_before_it_goes(client: FlaskClient, db: Store) -> None:
    with db.transaction() as tx:
        service.add_extension(tx, "8200", "化验室")
        speed.put(tx, "*020", "8200")
        speed.put(tx, "*021", "8003", owner="8200")
        finding.find(tx, "8003", [Target("8200")])
    page = client.get("/directory/extensions/8200?lang=en").text
    assert "With it go the speed dials that dial it: *020." in page
    assert "Calls for these ring there no more: 8003." in page
    assert "With it go, too: its speed dials." in page


def test_passwords_are_on_no_page_unasked(client: FlaskClient, db: Store) -> None:
    with db.transaction() as tx:
        tx.execute("UPDATE trunks SET user = 'us', password = 'of-the-line'")
        tx.execute("UPDATE rooms SET pin = '90817263'")
    phone = model.phone(db.read(), DEVICE)
    assert phone is not None
    paths = ("phones", f"phones/{DEVICE}", "trunks", "trunks/world", "rooms", "rooms/8800")
    for path in paths:
        page = client.get(f"/directory/{path}").text
        assert phone["password"] not in page
        assert "of-the-line" not in page
        assert "90817263" not in page


def test_the_role_is_one_that_an_administrator_can_give(
    as_user: Callable[[str], FlaskClient], db: Store
) -> None:
    admin = as_user("admin")
    form = {
        "csrf_token": token_of(admin, "/users"), "name": "tang", "display": "Tang",
        "role": "telephone_admin", "password": "long enough to use",
    }  # fmt: skip
    assert admin.post("/users", data=form).status_code == 302
    row = users.user(db.read(), "tang")
    assert row is not None
    assert row["role"] == "telephone_admin"


def test_the_search_finds_numbers_for_all_and_phones_for_those_who_keep_them(
    client: FlaskClient, as_user: Callable[[str], FlaskClient], db: Store
) -> None:
    with db.transaction() as tx:
        fill_ward(tx)
    nurse = as_user("li")
    assert "8101 李医生" in nurse.get("/search?q=李医生").text
    assert "/directory/" not in nurse.get("/search?q=李医生").text
    assert "/directory/phones" not in nurse.get("/search?q=护士站左").text
    assert 'href="/directory/extensions/8101"' in client.get("/search?q=李医生").text
    for words in ("护士站左", "00:15:65:0A:1B:2C", "0a1b2c"):
        assert f'href="/directory/phones/{DEVICE}"' in client.get(f"/search?q={words}").text
    for number in ("81", "8101"):
        assert 'href="/directory/extensions/8101"' in client.get(f"/search?q={number}").text
    assert "8003" not in client.get("/search?q=81").text


def test_the_telephone_administrator_finds_no_patients_beds_or_calls(
    client: FlaskClient, db: Store
) -> None:
    with db.transaction() as tx:
        fill_ward(tx)
    for words in ("陈小明", "1", "3-1", "3-box", "#1"):
        page = client.get(f"/search?q={words}").text
        assert "<li>" not in page, words
