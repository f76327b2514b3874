"""The page of recorded words in a real browser, which makes WAV of what it can play."""

import io
import math
import wave
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from central.prompts import model
from tests.browser import WAIT_MS
from tests.conftest import chromium
from tests.console.site import Site
from tests.visitor import PASSWORD


@pytest.fixture
def page(site: Site) -> Iterator[Page]:
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        made = browser.new_page()
        made.on("pageerror", lambda error: complaints.append(str(error)))
        made.set_default_timeout(WAIT_MS)
        made.goto(f"http://127.0.0.1:{site.port}/login?next=/flows/main/prompts%3Flang=en")
        made.fill("#name", "admin")
        made.fill("#password", PASSWORD)
        made.press("#password", "Enter")
        # With its scripts: without them a sound is uploaded as it is.
        made.wait_for_url(f"http://127.0.0.1:{site.port}/flows/main/prompts?lang=en")
        yield made
        browser.close()
    assert complaints == []


def eight_bits() -> bytes:
    """A sound that the server does not read: two channels of 8 bits."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(1)
        file.setframerate(44_100)
        hum = (128 + round(60 * math.sin(math.tau * 440 * n / 44_100)) for n in range(44_100))
        file.writeframes(bytes(each for sample in hum for each in (sample, sample)))
    return made.getvalue()


def test_a_sound_of_any_kind_becomes_one_that_the_exchange_plays(site: Site, page: Page) -> None:
    row = page.locator("[id='main/welcome-zh']")
    sound = row.locator("input[type=file]")
    sound.set_input_files({"name": "x.mp3", "mimeType": "audio/mpeg", "buffer": b"no sound"})
    row.locator("form[data-sound] button").click()
    expect(sound).to_have_js_property("validationMessage", row_words(page))
    sound.set_input_files({"name": "hello.ogg", "mimeType": "audio/ogg", "buffer": eight_bits()})
    row.locator("form[data-sound] button").click()
    expect(row.locator("audio")).to_be_visible()
    kept = model.one(site.store.read(), "main/welcome", "zh")
    assert kept is not None
    assert (kept["name"], 900 < kept["duration_ms"] < 1200) == ("hello.ogg", True)


def row_words(page: Page) -> str:
    return page.locator("form[data-sound]").first.get_attribute("data-sound") or ""
