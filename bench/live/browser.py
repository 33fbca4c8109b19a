"""A headless Chromium with the page that measures."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from avatarium.errors import AssetError
from bench.live.rooms import Room

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--disable-background-timer-throttling"]


class Quiet(SimpleHTTPRequestHandler):
    """Serves the page without a word."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


class Meter:
    """The page, from outside. Times are the browser's ``performance.now()`` in milliseconds."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def join(self, room: Room, *, channels: bool = True) -> dict[str, float]:
        """Watch a room; times from the POST of the offer to the answer and to the first picture."""
        times: dict[str, float] = self._page.evaluate(
            "([url, token, channels]) => renew().join(url, token, {channels})", [room.whep, room.token, channels]
        )
        return times

    def leave(self) -> None:
        """Stop watching."""
        self._page.evaluate("meter.leave()")

    def call(self, path: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST from the page: when it was sent and answered, and the answer."""
        script = """async ([url, key, body]) => {
            const sent = performance.now();
            const headers = {"Content-Type": "application/json", Authorization: `Bearer ${key}`};
            const answer = await fetch(url, {method: "POST", headers, body: JSON.stringify(body)});
            const data = await answer.json();
            return {sent, answered: performance.now(), data};
        }"""
        called: dict[str, Any] = self._page.evaluate(script, [path, key, body])
        return called

    def wait(self, seconds: float) -> None:
        """Let the page go on."""
        self._page.wait_for_timeout(seconds * 1000)

    def heard_after(self, moment: float, limit_s: float = 10.0) -> float | None:
        """When the first sound after a moment was heard; None where there was none in time."""
        for _ in range(round(limit_s / 0.05)):
            heard: float | None = self._page.evaluate("moment => meter.heardAfter(moment)", moment)
            if heard is not None:
                return heard
            self.wait(0.05)
        return None

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """Whatever the page can tell."""
        return self._page.evaluate(script, argument)

    def watch_box(self, box: tuple[int, int, int, int]) -> None:
        """Keep the brightness of a part of the picture: left, top, width, height in its pixels."""
        self._page.evaluate("box => { meter.box = box; }", list(box))

    def picture(self) -> bytes:
        """What is seen now, as PNG in its own size."""
        script = """async () => {
            const canvas = new OffscreenCanvas(meter.video.videoWidth, meter.video.videoHeight);
            canvas.getContext("2d").drawImage(meter.video, 0, 0);
            return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
        }"""
        return bytes(self._page.evaluate(script))


@contextmanager
def chromium() -> Iterator[Meter]:
    """A browser on the page that measures.

    Raises:
        AssetError: ``no_browser``.
    """
    handler = functools.partial(Quiet, directory=str(Path(__file__).parent))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise AssetError("There is no Chromium to measure with: sudo apt install chromium", code="no_browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/page.html")
            page.wait_for_function("window.meter !== undefined")
            yield Meter(page)
        finally:
            browser.close()
            server.shutdown()
