"""What tests in a real browser share: how it is started, and how long they wait for it."""

from playwright import async_api, sync_api

from tests.conftest import WAIT_S

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
WAIT_MS = WAIT_S * 1000

# Without it an expectation gives a loaded machine only 5 s.
for _api in (sync_api, async_api):
    _api.expect.set_options(timeout=WAIT_MS)
