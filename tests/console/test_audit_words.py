"""The audit is read by people: whatever the console writes down, the page has words for it."""

import ast
from collections.abc import Callable
from pathlib import Path

from flask.testing import FlaskClient

import central
from central.audit import model as audit
from central.audit.web import DONE
from central.store import Store
from tests.console.conftest import token_of


def codes() -> set[str]:
    """Every code that a module of central writes down, as far as it stands there in full."""
    found = set()
    for path in Path(central.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.append":
                code = node.args[2]
                branches = [code.body, code.orelse] if isinstance(code, ast.IfExp) else [code]
                found |= {each.value for each in branches if isinstance(each, ast.Constant)}
    return found


def test_everything_done_has_its_words() -> None:
    assert len(codes()) > 15
    assert codes() - DONE.keys() == set()


def test_the_page_says_words_instead_of_codes(as_user: Callable[[str], FlaskClient]) -> None:
    client = as_user("admin")
    assert ">logged in<" in client.get("/audit?what=login&lang=en").text
    assert ">登录<" in client.get("/audit?what=login&lang=zh").text


def test_things_and_details_are_told_in_words_and_lead_to_their_page(
    as_user: Callable[[str], FlaskClient], db: Store
) -> None:
    with db.transaction() as tx:
        audit.append(tx, "li", "user.add", "user/sun", detail={"role": "nurse", "ward": None})
        audit.append(tx, "his", "admission.admit", "bed/3/1", detail={"patient": "p1"})
        audit.append(
            tx, "extension 8102", "mailbox.open", "mailbox/8102", detail={"via": "phone 8003"}
        )
        audit.append(tx, "li", "service.add", "service/8901", detail={"purpose": "desk"})
        audit.append(tx, "li", "new.kind", "thing-of-tomorrow/7", detail={"unheard": [1, 2]})
    client = as_user("admin")
    page = client.get("/audit?lang=en").text
    assert '<a href="/beds/3/1">Ward 3, bed 1</a>' in page
    assert "hospital system</td>" in page
    assert "role: Nurse</td>" in page, "what is not set is left out"
    assert "thing-of-tomorrow/7" in page
    assert "unheard: 1 2" in page
    page = client.get("/audit?lang=zh").text
    assert "三病区 1 床" in page
    assert "角色: 护士</td>" in page
    assert "分机 8102</td>" in page
    assert "途径: 话机 8003</td>" in page
    assert "服务: 话机登录</td>" in page


def test_a_person_who_leaves_a_hole_behind_is_named_at_once_and_on_the_health_page(
    as_user: Callable[[str], FlaskClient],
) -> None:
    client = as_user("admin")
    before = client.get("/health").text
    form = {"csrf_token": token_of(client, "/users")}
    told = client.post("/users/zhao/disable", data=form, follow_redirects=True).text
    assert "The escalation of Ward 3 has holes now" in told
    assert before.count("holes in the escalation") <= 2
    after = client.get("/health").text
    assert 'data-holes="3"' in after
    assert 'href="/policies/3"' in after
