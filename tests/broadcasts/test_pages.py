"""The pages of broadcasts: rights and multicast are changed, what is wrong is told beside it."""

from collections.abc import Callable

from flask.testing import FlaskClient

from central.broadcasts import model
from central.directory import service as directory
from central.store import Store
from tests.console.conftest import token_of

AsUser = Callable[[str], FlaskClient]


def post(client: FlaskClient, path: str, **form: str) -> str:
    form["csrf_token"] = token_of(client, "/broadcasts/rights")
    return client.post(path, data=form, follow_redirects=True).text


def test_a_right_is_given_and_taken_away(as_user: AsUser, db: Store) -> None:
    with db.transaction() as tx:
        directory.add_extension(tx, "8601", "院长办公室")
    admin = as_user("admin")
    assert "Nobody may broadcast yet" in admin.get("/broadcasts/rights?lang=en").text
    page = post(admin, "/broadcasts/rights", holder="extension/8601", urgent="1")
    assert "ordinary and urgent ones</td>" in page
    post(admin, "/broadcasts/rights", holder="class/internal", urgent="0")
    rights = [(row["name"], row["urgent"]) for row in model.rights(db.read())]
    assert rights == [("8601", 1), ("internal", 0)]
    assert "There is no such extension." in post(
        admin, "/broadcasts/rights", holder="extension/8999", urgent="1"
    )
    post(admin, "/broadcasts/rights/remove", holder="extension/8601")
    post(admin, "/broadcasts/rights/remove", holder="nobody/8601")
    assert [row["name"] for row in model.rights(db.read())] == ["internal"]


def test_the_multicast_group_is_set_and_a_wrong_one_is_kept_to_be_mended(
    as_user: AsUser, db: Store
) -> None:
    admin = as_user("admin")
    admin.get("/broadcasts/rights?lang=en")
    page = post(admin, "/broadcasts/group", group="10.1.2.3:80", network="", from_phones="150")
    assert "A multicast group is written as 239.255.6.21:5004." in page
    assert 'value="10.1.2.3:80"' in page
    post(admin, "/broadcasts/group", group="239.255.6.21:5004", network="", from_phones="150")
    assert model.group(db.read()) == model.Group("239.255.6.21:5004", None, 150)
    post(admin, "/broadcasts/group", group="", network="", from_phones="200")
    assert model.group(db.read()).address is None
