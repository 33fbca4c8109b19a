"""The canvas that shows a person without a ground, alone in a real browser, with a picture whose mask is known."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, BrowserType, Page

from avatarium.engine.live.packing import pack
from tests.support.chromium import launched, sdk_page

WIDTH, HEIGHT = 160, 120
PERSON = (200, 60, 40)
GROUND = (0, 255, 0)
FRAMES = 12
GL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
SHOW = """async (clip) => {
    const { Cutout } = await import("/sdk/cutout.js");
    const bytes = Uint8Array.from(atob(clip), (letter) => letter.charCodeAt(0));
    window.video = document.createElement("video");
    const src = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
    Object.assign(video, { muted: true, loop: true, src });
    document.body.append(video);
    Object.assign(video.style, { position: "absolute", opacity: "0", width: "1px", height: "1px" });
    document.body.style.cssText = "margin: 0; background: rgb(0 255 0)";
    window.seen = 0;
    window.cutout = new Cutout(() => { seen += 1; });
    cutout.canvas.className = "agora_video_player";
    document.body.append(cutout.canvas);
    cutout.follow(video);
    await video.play();
    await new Promise((resolve) => setInterval(() => seen && resolve(), 20));
}"""
READ = """() => {
    const copy = document.createElement("canvas");
    cutout.paint();
    Object.assign(copy, { width: cutout.canvas.width, height: cutout.canvas.height });
    const context = copy.getContext("2d");
    context.drawImage(cutout.canvas, 0, 0);
    return [copy.width, copy.height, ...context.getImageData(0, 0, copy.width, copy.height).data];
}"""


def mask() -> NDArray[np.uint8]:
    """Nobody on the left, a slope, the person on the right."""
    row = np.clip((np.arange(WIDTH) - 40) * 255 / 80, 0, 255)
    return np.tile(row, (HEIGHT, 1)).round().astype(np.uint8)


@pytest.fixture(scope="module")
def clip() -> str:
    """A film of it, as viewers get it, in base64."""
    cutout = np.dstack([np.full((HEIGHT, WIDTH, 3), PERSON, np.uint8), mask()])
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", 25, options={"crf": "12", "profile": "baseline"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, 2 * HEIGHT, "yuv420p"
        for number in range(FRAMES):
            frame: Any = av.VideoFrame.from_ndarray(pack(cutout), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture(scope="module", params=["webgl", "2d"])
def browser(chromium: BrowserType, request: pytest.FixtureRequest) -> Iterator[tuple[Browser, str]]:
    with_gl = request.param == "webgl"
    arguments, without = (GL, ("--disable-gpu",)) if with_gl else (("--disable-3d-apis",), ())
    with launched(chromium, *arguments, without=without) as opened:
        yield opened, str(request.param)


@pytest.fixture
def page(browser: tuple[Browser, str], clip: str) -> Iterator[Page]:
    opened, kind = browser
    with sdk_page(opened) as page:
        page.set_default_timeout(30_000)
        page.evaluate(SHOW, clip)
        painter = page.evaluate("cutout._painter.constructor.name")
        assert painter == {"webgl": "GlPainter", "2d": "PlainPainter"}[kind]
        yield page


def pixels(page: Page) -> NDArray[np.uint8]:
    """The canvas, RGBA with straight alpha."""
    width, height, *values = page.evaluate(READ)
    return np.array(values, np.uint8).reshape(height, width, 4)


def screen(page: Page) -> NDArray[np.float64]:
    """What somebody sees of the canvas, RGB."""
    shot = page.locator("canvas").screenshot()
    seen = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR)
    assert seen is not None
    return seen[..., ::-1].astype(np.float64)


def check(page: Page) -> None:
    """The mask is that of the picture, and the person's colours are, too."""
    shown = pixels(page)
    assert shown.shape == (HEIGHT, WIDTH, 4)
    alpha = shown[..., 3].astype(int)
    assert np.abs(alpha - mask()).max() <= 12 and np.abs(alpha - mask()).mean() < 5
    assert not alpha[:, :36].any() and (alpha[:, 124:] == 255).all()
    assert np.abs(shown[:, 70:, :3].astype(int) - PERSON).max() <= 14, "no other colour comes in at the slope"


def test_the_mask_and_the_colours_arrive(page: Page) -> None:
    check(page)
    assert page.evaluate("seen") == 1


def test_the_page_shows_through(page: Page) -> None:
    seen, share = screen(page), mask()[..., None] / 255
    wanted = share * np.array(PERSON) + (1 - share) * np.array(GROUND)
    assert np.abs(seen - wanted).mean() < 4 and np.abs(seen - wanted).max() < 22
    assert (seen[:, :36] == GROUND).all()


def test_a_context_that_is_lost_is_done_without(page: Page, browser: tuple[Browser, str]) -> None:
    if browser[1] == "2d":
        pytest.skip("there is no context to lose")
    page.evaluate("document.querySelector('canvas').style.width = '200px'")
    page.evaluate("cutout._painter._gl.getExtension('WEBGL_lose_context').loseContext()")
    page.wait_for_function("cutout._painter.constructor.name === 'PlainPainter'")
    check(page)
    assert page.evaluate("[cutout.canvas.className, cutout.canvas.style.width]") == ["agora_video_player", "200px"]
    assert page.locator("canvas").count() == 1


def test_pictures_go_on_and_stop_with_it(page: Page) -> None:
    page.evaluate("""() => {
        window.painted = 0;
        const paint = cutout._painter.paint.bind(cutout._painter);
        cutout._painter.paint = (...given) => { painted += 1; paint(...given); };
    }""")
    page.wait_for_function("painted > 20")
    page.evaluate("cutout.close()")
    assert page.evaluate("document.querySelectorAll('canvas').length") == 0
    before = page.evaluate("painted")
    page.wait_for_timeout(300)
    assert page.evaluate("painted") == before
    assert page.evaluate("cutout.paint()") is False


def test_twenty_of_them_in_turn_leave_no_context_behind(page: Page) -> None:
    """Browsers take the oldest context away where a page has more than sixteen."""
    lost = page.evaluate("""async () => {
        const { Cutout } = await import("/sdk/cutout.js");
        for (let count = 0; count < 20; count += 1) {
            const other = new Cutout(() => {});
            other.follow(video);
            other.paint();
            other.close();
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
        return cutout._painter._gl ? cutout._painter._gl.isContextLost() : false;
    }""")
    assert lost is False
    check(page)
