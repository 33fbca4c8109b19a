"""A room with a twin on the page /live of a real service: its film goes on, its lips move, and the bill comes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import sqlalchemy as sa
from numpy.typing import NDArray
from playwright.sync_api import Browser, BrowserType, Page

from avatarium.accounts.models import users
from avatarium.catalogue.models import VIDEO, Avatar
from avatarium.engine.face.video.actor import VideoActor
from avatarium.engine.face.video.playing import Player
from avatarium.ids import new_id
from avatarium.platform import Platform
from avatarium.settings import load_settings
from tests.acceptance.service.test_streaming_browser import DESK, House, house, page_of
from tests.support.chromium import launched
from tests.support.small_twin import SIDE, lip_gap, small_twin

__all__ = ["house", "small_twin"]
pytestmark = pytest.mark.long

Grey = NDArray[np.uint8]
NAME = "Somebody on film"
FRAMES = """async (count) => {
    const video = document.querySelector("#player video"), copy = document.createElement("canvas");
    const pictures = [];
    while (pictures.length < count) {
        const facts = await new Promise((resolve) => video.requestVideoFrameCallback((_, told) => resolve(told)));
        [copy.width, copy.height] = [320, 320];
        copy.getContext("2d").drawImage(video, 0, 0, 320, 320);
        pictures.push([facts.rtpTimestamp / 90000, copy.toDataURL("image/jpeg", 0.95).split(",")[1]]);
    }
    return pictures;
}"""


@pytest.fixture(scope="module")
def browser(house: House, chromium: BrowserType) -> Iterator[Browser]:
    with launched(chromium) as opened:
        yield opened


@pytest.fixture(scope="module")
def film(house: House, small_twin: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Grey]:
    """The frames of a twin's life; the twin is the key's owner's from now on."""
    platform = Platform.open(load_settings(home=house.service.home))
    with platform.database.read() as c:
        owner, made = str(c.execute(sa.select(users.c.id)).scalars().first()), new_id()
    key = f"results/{owner}/{made}/twin.twin"
    cover, poster = tmp_path_factory.mktemp("cover") / "cover.jpg", f"results/{owner}/{made}/poster.jpg"
    actor = VideoActor.open(small_twin)
    player = Player(actor.films.base, actor.frames)
    frames = [player.frame(number).copy() for number in range(actor.frames)]
    cv2.imwrite(str(cover), frames[0][..., ::-1])
    for at, content, kind in ((key, small_twin, "application/octet-stream"), (poster, cover, "image/jpeg")):
        platform.storage.put(at, content, owner=owner, media_type=kind, expires_ms=None)
    facts: dict[str, Any] = {"kind": VIDEO, "gender": "female", "picture_key": poster, "package_key": key}
    with platform.database.write() as c:
        platform.catalogue.add_avatar(c, Avatar(id=made, owner=owner, name=NAME, created_ms=1, **facts))
    player.close()
    actor.close()
    platform.close()
    return [np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8) for frame in frames]


def coins_of(house: House) -> int:
    _, answer = house.service.get("/api/v1/user/remainingCoins", key=house.key)
    return int(answer["data"]["coins"])


def shown(page: Page, count: int) -> tuple[list[float], list[Grey]]:
    """What the page shows, frame by frame, and the sender's second of each; a busy browser leaves some out."""
    times, texts = zip(*page.evaluate(FRAMES, count), strict=True)
    found = [np.frombuffer(base64.b64decode(text), np.uint8) for text in texts]
    return list(times), [np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8) for data in found]


def place(picture: Grey, film: list[Grey]) -> int:
    """Which frame of the film it shows, by brows and hair."""
    above = slice(0, SIDE // 3)
    off = [np.abs(frame[above].astype(int) - picture[above]).mean() for frame in film]
    return int(np.argmin(off))


def test_a_twin_lives_speaks_and_is_paid_on_the_page(house: House, browser: Browser, film: list[Grey]) -> None:
    coins = coins_of(house)
    with page_of(browser, f"{house.service.address}/live", **DESK) as page:
        page.fill("#key", house.key)
        page.click("#key-panel button")
        page.click(f".face:has-text('{NAME}')")
        page.wait_for_selector("#start:not([disabled])")
        page.click("#start")
        page.wait_for_selector(".studio.seen #player video")
        times, silent = shown(page, 30)
        page.check("input[value=speak]", force=True)
        page.fill("#words", "Papa opened all the windows of the house, and Mama called all of us far and wide.")
        page.click("#compose button[type=submit]")
        page.wait_for_selector("#captions .said:has-text('Papa')")
        _, talking = shown(page, 60)
        page.click("#leave")
        page.wait_for_selector("#bill:not([hidden]) dd.total:has-text('coin')")
    steps = np.diff([place(picture, film) for picture in silent]) % len(film)
    off = (steps - 25 * np.diff(times) + len(film) / 2) % len(film) - len(film) / 2
    assert len(set(steps.cumsum().tolist())) > 8, "its own movement is seen"
    assert np.median(np.abs(off)) <= 1, "at its own pace"
    still, moving = [lip_gap(p) for p in silent[::4]], [lip_gap(p) for p in talking[::2]]
    assert np.percentile(moving, 85) > np.median(still) + 0.03, "its lips move"
    left = coins_of(house)
    assert 0 < coins - left < 60, "what was not used has come back"
