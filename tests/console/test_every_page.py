"""Every page in a real browser: readable by everybody, whole on a phone, in one language."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import ARGUMENTS, WAIT_MS
from tests.conftest import chromium
from tests.console.busy import PAGES, fill
from tests.console.conftest import PASSWORD
from tests.console.readable import not_chinese, outside, shut_out, watch
from tests.console.site import Site

pytestmark = pytest.mark.long

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


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
    watch(context)
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


@pytest.mark.parametrize(("lang", "scheme"), [("zh", "light"), ("en", "dark")])
def test_a_page_shuts_nobody_out_is_in_one_language_and_whole_on_a_phone(
    busy: Site, browser: Browser, lang: str, scheme: str
) -> None:
    found: list[str] = []
    for path, page in visit(browser, busy, lang, viewport=DESKTOP, color_scheme=scheme):
        trouble = shut_out(page)
        if lang == "zh":
            trouble += not_chinese(page)
        page.set_viewport_size(PHONE)
        trouble += outside(page)
        page.set_viewport_size(DESKTOP)
        found += [f"{path} {each}" for each in trouble]
    assert not found, "\n".join(found)


def test_contrast_is_measured_once_for_texts_that_look_alike(browser: Browser, busy: Site) -> None:
    context = browser.new_context(bypass_csp=True)
    watch(context)
    page = context.new_page()
    grey = "<p style='color: #999'>"

    def contrasts(html: str) -> list[str]:
        page.goto(f"http://127.0.0.1:{busy.port}/login")
        page.evaluate("html => { document.body.innerHTML = html }", html)
        return [each for each in shut_out(page) if each.startswith("color-contrast")]

    assert contrasts("<p>dark on light<p>and once more") == []
    (found,) = contrasts(f"<p>dark on light{grey}grey{grey}and once more")
    assert "grey</p>" in found
    assert "once more" not in found
    # Judged on the page before; but not on this ground, nor with a colour of its own.
    assert contrasts(f"{grey}grey") == []
    assert contrasts("<div style='background: #222'><p>dark on light</div>")
    assert contrasts("<p><b style='color: #aaa; font-weight: 400'>pale</b>")
    context.close()
