"""The list of voices of ``/live``, in a browser: every voice of a language can be chosen, and heard before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserType, Page

from tests.acceptance.service.conftest import Service
from tests.support.chromium import launched

PATIENCE_MS = 30_000
SOUNDS = """
    window.sounds = [];
    window.Audio = class extends Audio {
        constructor(...given) { super(...given); sounds.push(this); }
    };
"""
PLAYING = "() => sounds.some((sound) => !sound.paused && sound.currentTime > 0.2)"

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def browser(chromium: BrowserType) -> Iterator[Browser]:
    with launched(chromium) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, running: Service) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 860})
    opened.add_init_script(SOUNDS)
    opened.set_default_timeout(PATIENCE_MS)
    opened.goto(f"{running.address}/live")
    opened.fill("#key", running.key)
    opened.click("#key-panel button")
    opened.wait_for_selector("#voices [role=radio]")
    yield opened
    opened.close()


def test_a_sample_plays_and_stops_and_costs_nothing(page: Page) -> None:
    coins = page.inner_text("#coins b")
    page.select_option("#language", "ja")
    assert page.locator("#voices .voice").count() == 5
    first, second = page.locator(".voice-play").nth(0), page.locator(".voice-play").nth(1)
    first.click()
    page.wait_for_function(PLAYING)
    assert page.evaluate("sounds.find((sound) => !sound.paused).duration") > 2.0
    second.click()
    assert first.get_attribute("aria-pressed") == "false" and second.get_attribute("aria-pressed") == "true"
    page.wait_for_function(PLAYING)
    second.click()
    assert page.evaluate("sounds.every((sound) => sound.paused)")
    assert page.inner_text("#coins b") == coins


def test_a_voice_is_chosen_by_mouse_and_keys(page: Page) -> None:
    page.select_option("#language", "de")
    names = page.locator("#voices [role=radio]")
    assert names.count() == 2 and "robotic" in names.nth(0).inner_text()
    names.nth(1).click()
    assert names.nth(1).get_attribute("aria-checked") == "true"
    page.keyboard.press("ArrowUp")
    assert [names.nth(i).get_attribute("aria-checked") for i in (0, 1)] == ["true", "false"]


def test_every_voice_of_every_language_has_a_button(page: Page) -> None:
    languages = page.locator("#language option").evaluate_all("options => options.map((option) => option.value)")
    assert len(languages) > 50
    for language in ("en", "zh", "hi", "ru"):
        page.select_option("#language", language)
        assert page.locator(".voice-play").count() == page.locator("#voices [role=radio]").count() >= 2
