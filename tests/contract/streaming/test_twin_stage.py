"""Twins on a whole stage: their film is seen going on, their lips move, rooms are paid and given back, broken ones cost
nothing, and nothing is left on the disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import VideoFrame
from numpy.typing import NDArray

from avatarium.catalogue.models import VIDEO, Avatar
from avatarium.engine.face.style.record import SpeakingStyle
from avatarium.engine.face.video.actor import VideoActor
from avatarium.engine.face.video.playing import Player
from avatarium.engine.face.video.tracking import TWIN_FPS
from avatarium.ids import new_id
from avatarium.streaming.placement import FILM, FILMED
from avatarium.streaming.transports.viewer import PICTURE_RATE
from avatarium.streaming.wire import SpeakCommand, Switch
from tests.support.live_receiving import Receiver
from tests.support.live_rooms import in_loop, until
from tests.support.running_stage import Booked, RunningStage, booked, running_stage
from tests.support.small_twin import SIDE, lip_gap, small_twin

__all__ = ["small_twin"]
pytestmark = pytest.mark.long

Grey = NDArray[np.uint8]
BROW = slice(0, SIDE // 3)
"""Rows that no mouth reaches."""


@pytest.fixture(scope="module")
def twin(small_twin: Path) -> bytes:
    """A twin's file."""
    return small_twin.read_bytes()


@pytest.fixture(scope="module")
def film(twin: bytes, tmp_path_factory: pytest.TempPathFactory) -> list[Grey]:
    """The frames of its life."""
    path = tmp_path_factory.mktemp("film") / "it.twin"
    path.write_bytes(twin)
    actor = VideoActor.open(path)
    player = Player(actor.films.base, actor.frames)
    frames = [
        np.asarray(cv2.cvtColor(player.frame(number), cv2.COLOR_RGB2GRAY), np.uint8) for number in range(actor.frames)
    ]
    player.close()
    actor.close()
    return frames


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStage]:
    with running_stage(tmp_path_factory.mktemp("stage") / "home", live_grace_s=0.8, live_resolution=SIDE) as made:
        yield made


def avatar(stage: RunningStage, package: bytes) -> str:
    """An avatar from a video, as a training leaves it; its id."""
    made, platform, owner = new_id(), stage.platform, stage.owner
    for name, content in (("twin.twin", package), ("poster.jpg", b"poster")):
        platform.storage.put(
            f"results/{owner}/{made}/{name}",
            content,
            owner=owner,
            media_type="application/octet-stream",
            expires_ms=None,
        )
    with platform.database.write() as c:
        platform.catalogue.add_avatar(
            c,
            Avatar(
                id=made,
                owner=owner,
                name="me",
                gender="female",
                kind=VIDEO,
                picture_key=f"results/{owner}/{made}/poster.jpg",
                package_key=f"results/{owner}/{made}/twin.twin",
                created_ms=1,
            ),
        )
    return made


class Onlooker(Receiver):
    """A viewer who keeps the pictures, grey, and the sender's tick of each: a busy machine leaves some out."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Grey] = []
        self.ticks: list[int] = []

    async def _read(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, VideoFrame):
                self.pictures += 1
                self.seen.append(np.asarray(frame.to_ndarray(format="gray"), np.uint8))
                self.ticks.append(round((frame.pts or 0) * TWIN_FPS / PICTURE_RATE))
            self._more.set()


@asynccontextmanager
async def watched(room: Booked) -> AsyncIterator[Onlooker]:
    viewer = Onlooker()
    try:
        offer = await viewer.offer()
        answer = await room.client.offer(
            room.record, room.room.id, offer.encode(), uid=room.room.uid, may_publish=False, address="127.0.0.1"
        )
        viewer.answer = answer.sdp  # type: ignore[attr-defined]
        await viewer.accept(answer.sdp)
        await viewer.until_pictures(3)
        yield viewer
    finally:
        await viewer.close()


def places(seen: list[Grey], film: list[Grey]) -> list[int]:
    """Which frame of the film each picture shows, by brows and hair."""
    stack = np.stack([frame[BROW] for frame in film]).astype(np.int16)
    return [int(np.abs(stack - picture[BROW]).mean((1, 2)).argmin()) for picture in seen]


def ahead(shown: list[int], ticks: list[int], film: list[Grey]) -> NDArray[np.int64]:
    """By how many frames more the film went on from picture to picture than the sender's clock did."""
    half = len(film) // 2
    off: NDArray[np.int64] = (np.diff(shown) - np.diff(ticks) + half) % len(film) - half
    return off


def unpacked_films(stage: RunningStage) -> list[Path]:
    assert stage.process is not None
    return list(stage.process._scratch.rglob("*.mp4"))


@in_loop
async def test_its_film_is_seen_its_lips_move_and_what_is_left_comes_back(
    stage: RunningStage, twin: bytes, film: list[Grey]
) -> None:
    coins, who = stage.coins, avatar(stage, twin)
    async with booked(stage, avatar_id=who) as room, watched(room) as viewer:
        assert room.room.places == pytest.approx(
            0.3 + 0.7 * (SIDE / 512) ** 2 + FILMED + FILM * SIDE**2 / 1e6, abs=0.01
        )
        await viewer.until_pictures(40)
        silent, ticks = viewer.seen[5:40], viewer.ticks[5:40]
        before = len(viewer.seen)
        await room.tell("speak", SpeakCommand(command_id="c1", text="Papa opened all the windows of the house."))
        await until(lambda: room.of("speaking_ended"), "it speaks")
        talking = viewer.seen[before:]
        state = await room.state()
        assert state["fps"] > 0 and state["cpu"] > 0
        await room.end()
    report = room.now()
    assert report.end_reason == "left" and stage.coins == coins - report.charged > coins - 12

    # Looked at afterwards: the viewer lives in this very loop.
    shown = places(silent, film)
    off = ahead(shown, ticks, film)
    assert len(set(shown)) > 8, "it moves"
    assert np.median(off) == 0 and np.mean(np.abs(off) <= 2) > 0.9, off
    assert max(np.abs(s[BROW].astype(int) - film[at][BROW]).mean() for s, at in zip(silent, shown, strict=True)) < 6
    still, moving = ([lip_gap(picture) for picture in pictures] for pictures in (silent[::5], talking[::2]))
    assert np.percentile(moving, 85) > np.median(still) + 0.03, "its lips open"
    assert np.percentile(moving, 20) < np.median(still) + 0.02, "and close"


@in_loop
async def test_rooms_of_one_twin_share_its_file_and_each_has_its_own_time(stage: RunningStage, twin: bytes) -> None:
    who = avatar(stage, twin)
    async with booked(stage, avatar_id=who, transparent=True) as first, watched(first) as one:
        assert "a=x-alpha:below" in one.answer  # type: ignore[attr-defined]
        assert one.seen[-1].shape == (2 * SIDE, SIDE)
        mask = one.seen[-1][SIDE:]
        assert mask[SIDE // 2, SIDE // 2] > 225 and mask[4, 4] < 25
    films = unpacked_films(stage)
    assert len(films) % 3 == 0 and len(films) > 0
    async with booked(stage, avatar_id=who, background_color="#0000ff") as second, watched(second) as other:
        assert other.seen[-1].shape == (SIDE, SIDE)
        assert abs(int(other.seen[-1][4, 4]) - 29) < 12, "blue, in grey"
        assert unpacked_films(stage) == films, "it is not fetched again"


@in_loop
async def test_an_interrupt_shuts_the_mouth_and_the_film_goes_on(
    stage: RunningStage, twin: bytes, film: list[Grey]
) -> None:
    who = avatar(stage, twin)
    async with booked(stage, avatar_id=who) as room, watched(room) as viewer:
        await room.tell(
            "speak", SpeakCommand(command_id="c1", text="Father calls far over the garden wall, and all run.")
        )
        await until(lambda: len(room.of("word")) > 2, "it speaks")
        await room.tell("listening", Switch(on=True))
        assert (await room.tell("interrupt"))["utterances"]
        at = len(viewer.seen)
        await viewer.until_pictures(at + 25)
    shown, ticks = viewer.seen[at + 4 :], viewer.ticks[at + 4 :]
    assert np.median(ahead(places(shown, film), ticks, film)) == 0
    assert np.median([lip_gap(picture) for picture in shown]) < 0.03


@in_loop
async def test_a_broken_twin_ends_the_room_for_nothing_and_says_why(stage: RunningStage, twin: bytes) -> None:
    coins, whole = stage.coins, twin
    for package in (b"no twin", whole[: len(whole) // 2]):
        async with booked(stage, avatar_id=avatar(stage, package)) as room:
            await until(lambda room=room: room.of("ended"), "it ends")  # type: ignore[misc]
            (problem,) = room.of("problem")
            assert problem["code"] == "twin_unreadable" and problem["message"].endswith(".")
            ended = room.of("ended")[0]
            assert ended["reason"] == "avatar_failed" and ended["why"].startswith("The avatar could not be shown.")
    assert stage.coins == coins


@in_loop
async def test_it_speaks_by_its_own_model(stage: RunningStage, twin: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    who, key = avatar(stage, twin), f"results/{stage.owner}/{new_id()}/style.json"
    stage.platform.storage.put(
        key,
        SpeakingStyle(loud_share=0.7).to_json().encode(),
        owner=stage.owner,
        media_type="application/json",
        expires_ms=None,
    )
    monkeypatch.setattr(stage.platform.catalogue.lip_models, "key_for", lambda owner, avatar_id: key)
    async with booked(stage, avatar_id=who) as room, watched(room):
        assert stage.process is not None and stage.process.stage is not None
        style = stage.process.stage.find(room.room.id).show.performer.style
        assert style is not None and style.loud_share == pytest.approx(0.7)


def test_nothing_is_left_when_the_stage_is_gone(twin: bytes, tmp_path: Path) -> None:
    @in_loop
    async def once(stage: RunningStage) -> None:
        async with booked(stage, avatar_id=avatar(stage, twin)) as room, watched(room):
            await asyncio.sleep(0)

    with running_stage(tmp_path / "home", live_resolution=240) as stage:
        once(stage)
        assert stage.process is not None
        scratch = stage.process._scratch
    assert not scratch.exists()
