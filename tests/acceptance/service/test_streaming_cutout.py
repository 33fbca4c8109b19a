"""Transparent rooms of a real service in a browser: the page shows where nobody is, lips move where somebody is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, BrowserType, Page

from avatarium.engine.face.landmarks import find_face
from tests.acceptance.service.test_streaming_browser import (
    DESK,
    PHONE,
    SENTENCE,
    House,
    house,
    openings,
    page_of,
    told,
    until,
    watching,
)
from tests.support.chromium import launched

__all__ = ["house"]
pytestmark = pytest.mark.long

GL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
GREEN = (0, 255, 0)
TRACK = "client.remoteUsers[0].videoTrack"
STAND = """() => {
    document.body.replaceChildren(document.querySelector("#place"));
    document.body.style.cssText = "margin: 0; background: rgb(0 255 0)";
    Object.assign(document.querySelector("#place").style, { width: "512px", height: "512px", position: "fixed", top: "0" });
}"""  # noqa: E501
LIPS = """async (frames) => {
    const video = document.querySelector("#place video"), side = 64, copy = document.createElement("canvas");
    copy.width = copy.height = side;
    const context = copy.getContext("2d", { willReadFrequently: true });
    const shares = [];
    while (shares.length < frames) {
        await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
        const shown = document.querySelector("#place canvas"), { width: w, height: h } = shown;
        context.clearRect(0, 0, side, side);
        context.drawImage(shown, 0.43 * w, 0.5 * h, 0.14 * w, 0.1 * h, 0, 0, side, side);
        const pixels = context.getImageData(0, 0, side, side).data;
        shares.push(pixels.filter((value, i) => i % 4 === 0 && value < 95).length / (side * side));
    }
    return shares;
}"""
"""How much of the place where Ava's mouth is lies in the dark, frame by frame: between closed lips nothing does."""


@pytest.fixture(scope="module")
def browser(house: House, chromium: BrowserType) -> Iterator[Browser]:
    with launched(chromium, *GL, without=("--disable-gpu",)) as opened:
        yield opened


def seen(page: Page, selector: str = "#place") -> NDArray[np.uint8]:
    """What somebody sees, RGB."""
    shot = page.locator(selector).screenshot()
    picture = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)


def ground_share(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the page is seen, untouched."""
    return np.asarray(np.abs(picture.astype(int) - GREEN).max(2) <= 2)


@pytest.mark.parametrize("transport", ["webrtc", "socket"])
def test_the_page_shows_where_nobody_is_and_lips_move(house: House, browser: Browser, transport: str) -> None:
    with house.room(transparent=True) as room, watching(house, browser, room, TRANSPORT=transport) as page:
        told(page, "published", "video")
        until(page, "document.querySelector('#place canvas')?.width === 512")
        page.evaluate(STAND)
        assert page.evaluate(f"[{TRACK}.hasAlpha, document.querySelector('#place canvas').className]") == [
            *[True, "agora_video_player"],
        ]
        picture = seen(page)
        free = ground_share(picture)
        face = find_face(picture)
        assert free[:200, :60].all() and free[:200, -60:].all() and free[:20].all()
        assert 0.2 < free.mean() < 0.7
        points = face.points[:, :2].round().astype(int)
        assert not free[points[:, 1], points[:, 0]].any(), "nothing shines through the face"
        check_edge(picture, free)
        assert page.evaluate(f"(() => {{ const {{ width, height, data }} = {TRACK}.getCurrentFrameData();"
                             "return [width, height, data[3], data[4 * (256 * 512 + 256) + 3]]; })()") == [512, 512, 0, 255]  # fmt: skip  # noqa: E501
        until(page, "client.getRemoteVideoStats()[1].receiveResolutionHeight === 512")
        silent = page.evaluate(LIPS, 30)
        house.speak(room, SENTENCE * 2)
        told(page, "event", "speaking_started")
        speaking = page.evaluate(LIPS, 90)
        assert openings(silent) == 0 and openings(speaking) >= 2

        page.evaluate("client.leave()")
        told(page, "state", "DISCONNECTED", "LEAVE")
        assert page.locator("#place canvas, #place video").count() == 0


def check_edge(picture: NDArray[np.uint8], free: NDArray[np.bool_]) -> None:
    """Between the page and the person lie a few pixels of both, and no bright rim of the photo's own ground."""
    kernel = np.ones((5, 5), np.uint8)
    edge = (cv2.dilate(free.astype(np.uint8), kernel) > 0) & ~free
    assert edge.any()
    rim = picture[edge].astype(int)
    assert (rim.min(1) > 150).mean() < 0.02


def test_a_room_with_a_ground_is_as_it_was(house: House, browser: Browser) -> None:
    with house.room(background_color="#204060") as room, watching(house, browser, room) as page:
        told(page, "published", "video")
        until(page, "document.querySelector('#place video')?.videoWidth === 512")
        assert page.evaluate(f"[{TRACK}.hasAlpha, document.querySelectorAll('#place canvas').length]") == [False, 0]


def test_two_viewers_see_the_same_and_a_broken_connection_comes_back_on_the_same_canvas(
    house: House, browser: Browser
) -> None:
    with house.room(transparent=True) as room, watching(house, browser, room) as page:  # noqa: SIM117
        with watching(house, browser, room, TRANSPORT="socket") as other:
            for one in (page, other):
                until(one, "document.querySelector('#place canvas')?.width === 512")
                one.evaluate(STAND)
            both = ground_share(seen(page)) == ground_share(seen(other))
            assert both.mean() > 0.97
            page.evaluate("window.before = document.querySelector('#place canvas')")
            page.evaluate("peers.at(-1).close(), client._session._transport._on.state('gone')")
            told(page, "state", "RECONNECTING", "NETWORK_ERROR")
            until(page, "client.connectionState === 'CONNECTED'")
            until(page, "document.querySelector('#place video').readyState >= 2")
            assert page.evaluate("before === document.querySelector('#place canvas')")
            house.speak(room, SENTENCE)
            told(page, "event", "speaking_started")
            assert openings(page.evaluate(LIPS, 90)) >= 1


def test_choices_that_exclude_each_other_are_refused(house: House) -> None:
    import urllib.error

    with pytest.raises(urllib.error.HTTPError) as refusal:
        house.call("agora-token", {
            **{"avatar_id": house.call("all_avatars")[0]["_id"], "expire_seconds": 60},
            **{"transparent": True, "background_color": "#fff"},
        })  # fmt: skip
    with refusal.value as answer:
        assert answer.code == 400 and b"two_grounds" in answer.read()


@pytest.mark.parametrize("context", [pytest.param(DESK, id="desk"), pytest.param(PHONE, id="phone")])
def test_the_demo_page_shows_a_person_before_its_own_ground(
    house: House, browser: Browser, context: dict[str, Any]
) -> None:
    with house.room():
        pass  # a stage has a place now
    with page_of(browser, f"{house.service.address}/live", **context) as page:
        page.fill("#key", house.key)
        page.click("#key-panel button")
        page.wait_for_selector("#start:not([disabled])")
        page.click("#setup summary")
        # Start does not wait for the grounds.
        page.wait_for_selector("#ground-pictures option:nth-of-type(3)", state="attached")
        page.check("#transparent")
        assert page.is_disabled("#ground")
        page.click("#start")
        page.wait_for_selector(".studio.seen #player canvas")
        page.wait_for_selector("#behind:not([hidden])")
        page.check("#behind [value=sea]", force=True)
        assert page.get_attribute("#screen", "data-behind") == "sea"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.click("#leave")
        page.wait_for_selector("#bill:not([hidden])")
        assert page.is_hidden("#behind")


def test_who_leaves_while_figures_are_read_hears_no_more_of_them(house: House, browser: Browser) -> None:
    with house.room() as room, watching(house, browser, room) as page:
        page.evaluate("""async () => {
            const session = client._session, read = session.read.bind(session);
            let begun, go;
            const reading = new Promise((resolve) => { begun = resolve; });
            const gate = new Promise((resolve) => { go = resolve; });
            session.read = async () => { const found = await read(); begun(); await gate; return found; };
            await reading;
            await client.leave();
            go();
            await new Promise((resolve) => setTimeout(resolve, 100));
        }""")
