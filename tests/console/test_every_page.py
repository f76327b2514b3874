"""Every page in a real browser: readable by everybody, whole on a phone, in one language."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import chromium
from tests.console.busy import PAGES, fill
from tests.console.conftest import PASSWORD
from tests.console.site import Site
from tests.console.test_browser import ARGUMENTS, WAIT_MS

pytestmark = pytest.mark.long

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
# The levels that the law asks of public bodies: WCAG 2.1, A and AA.
AXE = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
}
# Only what is wrong leaves the page: all that is right takes longer to carry over than to find.
VIOLATIONS = """async (options) => (await axe.run(options)).violations.map(
    (each) => `${each.id}: ${each.nodes.slice(0, 4).map((node) => node.html.slice(0, 120))}`)"""
# Where a thing ends that a reader cannot scroll to, or stands in a column one letter wide.
OUTSIDE = """() => [...document.querySelectorAll("main *, header *")].filter((each) => {
    const box = each.getBoundingClientRect();
    const hidden = "svg, pre, textarea, select, .visually-hidden, .skip";
    if (!box.width || each.closest(hidden)) return false;
    const thin = each.matches("td, th") && box.width < 40 && each.innerText.length > 4;
    return thin || box.right > innerWidth + 1;
}).map((each) => each.outerHTML.slice(0, 90)).slice(0, 5)"""


# What is Latin on a Chinese page all the same: names of things and people, and what was typed.
NAMES = re.compile(
    r"Wardline|English|CSV|XLSX|JSON|WAV|MP3|OGG|HIS/H|ISO|BIG5|ADT\S*|MSH\S*|AIL\S*|ICU\S*|PV1\S*|PID|EVN|RDE|RGV|RAS|DFT|BAR|ORM|OMG|SIU|UTF-8|utf-8|GB\w+|UNICODE"
    r"|\b(?:HL7|HTTP|ORU\^R40|IHE ACM|CA|MLLP|OpenAPI|Idempotency-Key|Content-Type)\b"
    r"|\b(?:PDF|Prometheus|GET|metrics|Authorization|Bearer|GB)\b"
    r"|\b(?:MSH-18|CR|AA|AE|AR)\b"
    r"|[35]-(?:box|station)|http-404|wang\.li|counter|\bMB\b|\bms\b|\bmL\b"
    r"|\b(?:Li|Wang|Zhao|Zhang|Qian|Sun|Chen|Admin)\b|\b(?:nurses|icu|city|world|internal|main|fees|visitors)\b|\w*NX{3,}"
    r"|[a-z]+/[\w./-]+",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def busy(site: Site) -> Site:
    with site.store.transaction() as tx:
        fill(tx)
    site.live()
    return site


def visit(browser: Browser, site: Site, lang: str, **looks: Any) -> Iterator[tuple[str, Page]]:
    """Each page, the log-in first, then all as the administrator."""
    context = browser.new_context(**looks)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(f"http://127.0.0.1:{site.port}/login?lang={lang}")
    yield "/login", page
    page.fill("#name", "admin")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/health")
    for path in PAGES:
        joint = "&" if "?" in path else "?"
        answer = page.goto(f"http://127.0.0.1:{site.port}{path}{joint}lang={lang}")
        assert answer is not None
        assert answer.status == (404 if path == "/nothing-here" else 200), path
        if path == "/board/3":
            page.wait_for_selector(".row-call")
        yield path, page
    context.close()


def shut_out(page: Page) -> list[str]:
    """What axe finds, as its rule and the first elements."""
    page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(VIOLATIONS, AXE)
    return found


def not_chinese(page: Page) -> list[str]:
    """Latin words; what a program or a device said stands as it is, and is marked so."""
    said = "document.querySelectorAll('pre, code, [lang=en]').forEach((each) => each.remove())"
    page.evaluate(said)
    return re.findall(r"[A-Za-z]{2,}", NAMES.sub("", page.inner_text("body")))


@pytest.mark.parametrize(("lang", "scheme"), [("zh", "light"), ("en", "dark")])
def test_a_page_shuts_nobody_out_is_in_one_language_and_whole_on_a_phone(
    busy: Site, browser: Browser, lang: str, scheme: str
) -> None:
    found: list[str] = []
    for path, page in visit(browser, busy, lang, viewport=DESKTOP, color_scheme=scheme):
        trouble = shut_out(page)
        if lang == "zh":
            trouble += [f"not Chinese: {each}" for each in not_chinese(page)]
        page.set_viewport_size(PHONE)
        trouble += [f"outside: {each}" for each in page.evaluate(OUTSIDE)]
        page.set_viewport_size(DESKTOP)
        found += [f"{path} {each}" for each in trouble]
    assert not found, "\n".join(found)
