"""The page of addresses that the exchange has locked out."""

from collections.abc import Callable

from flask.testing import FlaskClient

from central.store import Store
from central.telephone import lockouts
from gateway.telephone.guard import Lockout
from tests.console.conftest import token_of

FIRST = Lockout("192.0.2.9", "0015650a1b2c", 1, 1000.0, 1060.0)
OTHER = Lockout("192.0.2.10", "admin", 2, 1010.0, 1130.0)


def test_the_page_names_why_and_unlocks(as_user: Callable[[str], FlaskClient], db: Store) -> None:
    client = as_user("qian")
    assert "Nobody is locked out." in client.get("/telephone/lockouts?lang=en").text
    with db.transaction() as tx:
        lockouts.settle(tx, [FIRST, OTHER])
    page = client.get("/telephone/lockouts?lang=en")
    assert "wrong passwords, last for an account that no phone has: <code>admin</code>" in page.text
    form = {"address": OTHER.address, "csrf_token": token_of(client, "/telephone/lockouts")}
    told = client.post("/telephone/lockouts/unlock", data=form, follow_redirects=True)
    assert "192.0.2.10 will be let in again within seconds." in told.text
    assert "is being unlocked by qian" in told.text
    form["address"] = "192.0.2.99"
    told = client.post("/telephone/lockouts/unlock", data=form, follow_redirects=True)
    assert "192.0.2.99 is not locked out any more." in told.text
