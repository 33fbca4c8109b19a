"""One room from its opening to its end, with real threads, a face that costs nothing and books that only remember."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from avatarium.clock import Clock, ManualClock
from avatarium.errors import ConflictError, NotFoundError, PictureError, UnavailableError
from avatarium.settings import load_settings
from avatarium.streaming.models import EndReason
from avatarium.streaming.stage import room as module
from avatarium.streaming.stage import scribe
from avatarium.streaming.stage.audience import name_of
from avatarium.streaming.stage.kit import Kit
from avatarium.streaming.stage.room import StageRoom
from avatarium.streaming.wire import SpeakCommand
from tests.support.live_rooms import Books, KeepingViewer, OneLook, a_kit, in_loop, make_show, spec_of, until


@dataclass
class Opened:
    """A room and what it was made with."""

    room: StageRoom
    kit: Kit
    books: Books
    looks: OneLook
    clock: ManualClock

    def join(self, codec: str = "h264") -> KeepingViewer:
        viewer = KeepingViewer(codec)
        self.room.add_viewer(viewer)
        viewer.connected = True
        self.room.viewer_connected(viewer)
        return viewer

    def leave(self, viewer: KeepingViewer) -> None:
        viewer.connected = False
        self.room.viewer_lost(viewer)

    @property
    def kinds(self) -> list[str]:
        return [e["type"] for e in self.room.events.since(0) if e["type"] not in ("word", "viseme")]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [e for e in self.room.events.since(0) if e["type"] == kind]


@asynccontextmanager
async def opened(tmp_path: Path, *, trouble: Exception | None = None, **spec: Any) -> AsyncIterator[Opened]:
    clock, books, looks = ManualClock(Clock().now_ms()), Books(), OneLook()
    looks.trouble = trouble
    settings = load_settings(home=tmp_path / "home", live_join_s=30, live_grace_s=10)
    async with a_kit(tmp_path, clock=clock, books=books, looks=looks, settings=settings) as kit:
        room = StageRoom(spec_of(**spec), kit, make_show())
        room.open()
        yield Opened(room, kit, books, looks, clock)
        await room.end(EndReason.LEFT)


@in_loop
async def test_a_viewer_joins_and_picture_and_sound_flow(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        viewer = made.join()
        await until(lambda: len(viewer.pictures) > 5 and len(viewer.sounds) > 10, "media flows")
        assert viewer.pictures[0].key
        assert made.kinds[:2] == ["viewer_joined", "ready"]
        await until(lambda: made.books.kinds == ["joined"], "the books know")
        assert [e["type"] for e in viewer.events] == ["viewer_joined", "ready"]


@in_loop
async def test_viewers_are_told_of_by_a_name_that_does_not_end_their_connection(tmp_path: Path) -> None:
    """With the id itself, any viewer could DELETE another."""
    async with opened(tmp_path) as made:
        watching, other = made.join(), made.join()
        made.leave(other)
        for kind in ("viewer_joined", "viewer_left"):
            assert made.of(kind)[-1]["viewer_id"] == name_of(other)
        told = json.dumps([*made.room.events.since(0), *watching.events])
        assert other.id not in told and watching.id not in told


@in_loop
async def test_nothing_is_drawn_while_nobody_watches_but_time_goes_on(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        await until(lambda: made.room.media_ms >= 200, "time goes on")
        assert made.looks.face.drawn == 0
        viewer = made.join()
        await until(lambda: viewer.pictures, "a picture comes")
        assert viewer.pictures[0].pts >= 0.2 * 90_000


@in_loop
async def test_who_speaks_before_anybody_joins_is_told_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        with pytest.raises(ConflictError) as refusal:
            made.room.check_joined()
        assert refusal.value.code == "not_joined"
        made.room.add_viewer(KeepingViewer())
        made.room.check_joined()


@in_loop
async def test_what_is_said_after_the_offer_waits_for_the_connection(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        viewer = KeepingViewer()
        made.room.add_viewer(viewer)
        await made.room.speaker.speak(SpeakCommand(command_id="c1", text="Hello."))
        await asyncio.sleep(0.15)
        assert "speaking_started" not in made.kinds
        viewer.connected = True
        made.room.viewer_connected(viewer)
        await until(lambda: "speaking_started" in made.kinds, "it speaks")


@in_loop
async def test_a_lost_viewer_is_waited_for_and_the_books_know_since_when(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        first = made.join()
        joined_ms = made.clock.now_ms()
        made.clock.advance(3)
        lost_ms = made.clock.now_ms()
        made.leave(first)
        made.clock.advance(5)
        assert made.room.look() is None
        back_ms = made.clock.now_ms()
        second = made.join()
        made.clock.advance(20)
        assert made.room.look() is None
        await until(lambda: second.pictures and second.pictures[0].key, "it sees")
        await until(lambda: len(made.books.written) == 3, "the books know")
        assert [(what, when) for what, _, when in made.books.written] == [
            *[("joined", joined_ms), ("lost", lost_ms), ("joined", back_ms)]
        ]
        assert first.closed


@in_loop
async def test_the_grace_is_over(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        made.leave(made.join())
        made.clock.advance(10)
        assert made.room.look() is EndReason.VIEWER_LOST


@in_loop
async def test_one_of_two_viewers_goes_and_nothing_is_lost(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        one, two = made.join(), made.join()
        made.leave(one)
        made.leave(one)
        assert made.room.lifetime.lost_ms is None
        assert [e["viewers"] for e in made.of("viewer_left")] == [1]
        made.leave(two)
        assert made.room.lifetime.lost_ms is not None


@in_loop
async def test_a_viewer_whose_connection_never_came_up_was_never_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        viewer = KeepingViewer()
        made.room.add_viewer(viewer)
        made.room.viewer_lost(viewer)
        await asyncio.sleep(0.05)
        assert made.kinds == [] and made.books.written == [] and viewer.closed
        assert made.room.lifetime.lost_ms is None


@in_loop
async def test_the_end_comes_once_and_closes_everything(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        viewer = made.join()
        await until(lambda: viewer.pictures, "it sees")
        reports = await asyncio.gather(*(made.room.end(EndReason.LEFT) for _ in range(5)))
        assert all(report["charged"] == 1 for report in reports)
        assert made.books.kinds.count("end") == 1 and viewer.closed
        ended = made.of("ended")
        assert len(ended) == 1 and (ended[0]["reason"], ended[0]["refunded"], ended[0]["why"]) == (
            "left",
            11,
            "Because.",
        )
        assert viewer.events[-1]["type"] == "ended", "the viewer is told before it is hung up on"
        sent = len(viewer.sounds)
        await asyncio.sleep(0.1)
        assert len(viewer.sounds) == sent and made.room.show.encoders == []
        with pytest.raises(ConflictError, match="has ended"):
            made.room.check_open()
        assert not made.room.add_viewer(KeepingViewer())


@in_loop
async def test_an_end_amid_a_sentence(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        made.join()
        await made.room.speaker.speak(SpeakCommand(command_id="c1", text="This is a long sentence, and it goes on."))
        await until(lambda: "speaking_started" in made.kinds, "it speaks")
        await made.room.end(EndReason.EXPIRED)
        assert made.kinds[-1] == "ended" and not made.room.director.speaking


@in_loop
async def test_a_picture_that_cannot_be_used_ends_the_room_for_nothing(tmp_path: Path) -> None:
    trouble = PictureError("There is no face in it.", code="no_face")
    async with opened(tmp_path, trouble=trouble) as made:
        await until(lambda: made.room.finished, "it ends")
        assert made.of("problem")[0]["code"] == "no_face"
        _, _, (reason, until_ms) = made.books.written[-1]
        assert reason is EndReason.AVATAR_FAILED and until_ms == made.room.lifetime.opened_ms
        with pytest.raises(UnavailableError, match="picture"):
            await made.room.loaded()


@in_loop
async def test_books_that_are_away_are_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scribe, "FIRST_PAUSE_S", 0.01)
    async with opened(tmp_path) as made:
        away = UnavailableError("The database does not answer.", code="database_away")
        made.books.troubles = [away, away]
        made.join()
        await until(lambda: made.books.kinds == ["joined"], "the books know")
        made.books.troubles = [away, RuntimeError("broken")]
        report = await made.room.end(EndReason.LEFT)
        assert report["charged"] == 1


@in_loop
async def test_books_that_stay_away_do_not_keep_a_room_open_and_get_its_end_when_they_are_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five tries it was left to the guard, which ended it when its time was over, and charged all of it."""
    monkeypatch.setattr(module, "REPORT_S", 0.05)
    monkeypatch.setattr(scribe, "LONGEST_PAUSE_S", 0.01)
    async with opened(tmp_path) as made:
        made.join()
        await until(lambda: made.books.kinds == ["joined"], "the books know")
        made.books.troubles = [UnavailableError("Away.", code="database_away")] * 10**6
        ended_ms = made.clock.now_ms()
        report = await made.room.end(EndReason.LEFT)
        assert made.of("ended")[0]["reason"] == "left" and "charged" not in report
        made.clock.advance(500)
        made.books.troubles = []
        await until(lambda: made.books.kinds == ["joined", "end"], "they are back")
        assert made.books.written[-1][2] == (EndReason.LEFT, ended_ms), "time counts up to its end"


@in_loop
@pytest.mark.parametrize("trouble", [UnavailableError("Away.", code="database_away"), RuntimeError("broken")])
async def test_a_first_viewer_is_written_down_however_long_the_books_were_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    """After five tries, or one bug, it was not: the guard ended a room that was watched as one nobody had joined."""
    monkeypatch.setattr(scribe, "LONGEST_PAUSE_S", 0.001)
    async with opened(tmp_path) as made:
        made.books.troubles = [trouble] * 6
        viewer = made.join()
        made.leave(viewer)
        await until(lambda: made.books.kinds == ["joined", "lost"], "the books know, in this order")


@in_loop
async def test_a_room_that_the_books_do_not_know_is_not_written_for_ever(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        made.books.troubles = [NotFoundError("There is no such room.", code="room_not_found")]
        assert "charged" not in await made.room.end(EndReason.LEFT)
        assert not made.books.troubles and made.books.kinds == []


@in_loop
async def test_an_extension_is_told_and_counts(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        made.join()
        made.clock.advance(50)
        made.room.look()
        made.room.extend(made.room.spec.expires_ms + 60_000)
        made.clock.advance(30)
        assert made.room.look() is None
        assert [e["type"] for e in made.room.events.since(0) if e["type"] in ("expiring", "extended")] == [
            *["expiring", "extended", "expiring"]
        ]
        assert made.of("extended")[0]["expires_ms"] == made.room.spec.expires_ms + 60_000


@in_loop
async def test_listening_is_told_when_it_changes(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        for on in (True, True, False):
            made.room.listen(on)
        assert made.kinds == ["listening_started", "listening_ended"]


@in_loop
async def test_a_recording_is_kept_with_picture_and_sound(tmp_path: Path) -> None:
    from avatarium.engine.video import probe

    async with opened(tmp_path, record=True) as made:
        archive: Any = made.kit.archive
        viewer = made.join("vp8")
        await made.room.speaker.speak(SpeakCommand(command_id="c1", text="Hello there."))
        await until(lambda: "speaking_ended" in made.kinds, "it was said")
        made.leave(viewer)
        report = await made.room.end(EndReason.LEFT)
        assert report["recording_key"].endswith("/recording.mp4")
        facts = await asyncio.to_thread(probe, Path(archive.kept[0]))
        assert facts.sound is not None and (facts.width, facts.height) == (64, 64)
        assert facts.duration_s > 1.0
        # A busy machine leaves pictures out; none is too many.
        assert 0.5 * facts.duration_s < (facts.frames or 0) / 25 < facts.duration_s + 0.1


@in_loop
async def test_a_recording_that_nobody_watched_is_none(tmp_path: Path) -> None:
    async with opened(tmp_path, record=True) as made:
        report = await made.room.end(EndReason.NEVER_JOINED)
        assert report["recording_key"] == ""


@in_loop
async def test_a_bug_of_one_viewer_does_not_end_the_room(tmp_path: Path) -> None:
    class Broken(KeepingViewer):
        def send_sound(self, packet: object) -> None:
            raise RuntimeError("broken")

    async with opened(tmp_path) as made:
        broken = Broken()
        made.room.add_viewer(broken)
        broken.connected = True
        made.room.viewer_connected(broken)
        good = made.join()
        await until(lambda: len(good.pictures) > 3, "the other sees")
        await until(lambda: broken.closed, "the broken one is let go")


@in_loop
async def test_a_room_whose_ticks_fail_is_ended_and_told_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **more: object) -> None:
        raise RuntimeError("broken")

    async with opened(tmp_path) as made:
        made.join()
        await until(lambda: made.room.media_ms >= 80, "it is shown")
        monkeypatch.setattr(made.room.show, "make", broken)
        await until(lambda: made.of("ended"), "it ends")
        assert made.of("problem")[0]["code"] == "engine_bug"
        assert made.of("ended")[0]["reason"] == "stage_lost"
        assert made.kit.pacemaker.alive


@in_loop
@pytest.mark.parametrize("part", ["hearing", "director", "conversation", "audience"])
async def test_an_end_that_fails_in_one_part_still_closes_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """The room went on in the pacemaker for ever, and its viewers were never told."""
    async with opened(tmp_path) as made:
        viewer = made.join()
        await until(lambda: viewer.pictures, "it is shown")

        close = getattr(made.room, part).close

        async def broken() -> None:
            await close()
            raise RuntimeError("broken")

        monkeypatch.setattr(getattr(made.room, part), "close", broken)
        report = await made.room.end(EndReason.LEFT)
        assert report["charged"] == 1 and made.books.kinds[-1] == "end"
        assert made.of("ended") and not made.kit.pacemaker.paces
        assert viewer.closed
