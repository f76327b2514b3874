"""The board and the virtual ward in a real browser: press, row, accept, presence."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from provisioning.hospital import EXAM_ROOM
from tests.browser import WAIT_MS
from tests.conftest import chromium
from tests.e2e.conftest import CHROMIUM_ARGS


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGS)
        yield started
        started.close()


def log_in(page: Page, demo: dict[str, Any], name: str) -> None:
    page.goto(f"{demo['url']}/login?lang=zh")
    page.fill('input[name="name"]', name)
    page.fill('input[name="password"]', demo["password"])
    page.click("main button.btn-primary")


@pytest.fixture
def nurse(browser: Browser, demo: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[Page]:
    """A nurse of the ward that the test names, logged in."""
    ward = request.param
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("requestfailed", lambda asked: troubles.append(f"{asked.url} {asked.failure}"))
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith((demo["url"], "data:")) else troubles.append(asked.url)
        ),
    )
    log_in(page, demo, f"nurse{ward}")
    page.wait_for_url(f"**/board/{ward}")
    yield page
    ours = [each for each in troubles if "ERR_ABORTED" not in each]  # a stream left with its page
    context.close()
    assert ours == []


@pytest.mark.parametrize(
    ("nurse", "bed"),
    [
        pytest.param("3", "2", id="bus"),
        pytest.param("5", "2", id="gpio"),
        pytest.param("5", "5", id="micropython"),
    ],
    indirect=["nurse"],
)
def test_from_the_button_to_the_board_and_to_the_bed(
    nurse: Page, bed: str, demo: dict[str, Any], tmp_path: Any
) -> None:
    ward = nurse.url.rsplit("/", 1)[1]
    board, beds = nurse, nurse.context.new_page()
    beds.goto(f"{demo['url']}/virtual/{ward}")
    unit = beds.locator(f'.unit[data-bed="{bed}"]')
    lamp = unit.locator('[data-part="lamp"]')
    row = board.locator(f'.row-call[data-bed="{bed}"]')
    expect(lamp).to_have_attribute("data-pattern", "off")
    expect(row).to_have_count(0)

    unit.locator(".red").click()
    expect(row).to_have_attribute("data-state", "open")
    expect(lamp).to_have_attribute("data-pattern", "blink")
    board.screenshot(path=str(tmp_path / "board.png"))

    row.locator(".accept").click()
    expect(row).to_have_attribute("data-state", "accepted")
    expect(lamp).to_have_attribute("data-pattern", "steady")

    unit.locator('[data-part="presence"]').click()
    expect(row).to_have_count(0)
    expect(lamp).to_have_attribute("data-pattern", "off")
    unit.locator('[data-part="presence"]').click()


def test_today_is_the_hospitals_wherever_the_machine_stands(
    browser: Browser, demo: dict[str, Any]
) -> None:
    page = browser.new_page()
    log_in(page, demo, "technician")
    page.wait_for_url("**/exams")
    page.goto(f"{demo['url']}/exams/{EXAM_ROOM}")
    expect(page.locator("[data-exam][data-state=checked_in]")).to_have_count(1)
    page.close()
