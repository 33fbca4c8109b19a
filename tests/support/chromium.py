"""Debian's Chromium without a window, for tests of what browsers get; skipped where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserType, Page, Route, sync_playwright

from avatarium.streaming.browser.bundle import SDK

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
NO_UDP = "--webrtc-ip-handling-policy=disable_non_proxied_udp"
"""As behind a firewall that lets only TCP through."""
NO_AUTOPLAY = "--autoplay-policy=document-user-activation-required"
HOST = "http://localhost"
"""Where :func:`sdk_page` pretends to be; browsers count it as safe."""


def executable() -> str:
    """Chromium, or the test is skipped."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium is installed")
    return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[BrowserType]:
    """What browsers are launched from. There can be one of it only, and an event loop runs in this thread as long as
    it lives: it must not outlive the module, or nobody after it could begin one."""
    executable()
    with sync_playwright() as playwright:
        yield playwright.chromium


@contextmanager
def launched(chromium: BrowserType, *more: str, without: tuple[str, ...] = ()) -> Iterator[Browser]:
    """A browser of its own, with further arguments, or without some of :data:`ARGUMENTS`."""
    arguments = [argument for argument in (*ARGUMENTS, *more) if argument not in without]
    browser = chromium.launch(executable_path=executable(), args=arguments)
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def sdk_page(browser: Browser) -> Iterator[Page]:
    """A page that may import the modules of the SDK from ``/sdk/``; nothing else is answered."""
    page = browser.new_page()

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(f"{HOST}/")
        file = SDK / Path(name).name
        if name.startswith("sdk/") and file.is_file():
            route.fulfill(body=file.read_text(), content_type="text/javascript")
        elif not name:
            route.fulfill(body="<!doctype html><title>test</title><body></body>", content_type="text/html")
        else:
            route.fulfill(status=404)

    page.route(f"{HOST}/**", answer)
    page.goto(f"{HOST}/")
    try:
        yield page
    finally:
        page.close()
