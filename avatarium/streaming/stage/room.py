"""One live room on its stage: who watches, what is said, how long it lasts, and its end, which comes once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from avatarium.errors import AvatariumError, ConflictError, UnavailableError
from avatarium.streaming.models import EndReason
from avatarium.streaming.placement import coded_size
from avatarium.streaming.stage.audience import Audience, name_of
from avatarium.streaming.stage.conversation import Conversation
from avatarium.streaming.stage.director import Director
from avatarium.streaming.stage.events import EventLog
from avatarium.streaming.stage.hearing import Hearing
from avatarium.streaming.stage.kit import Kit
from avatarium.streaming.stage.lifetime import Lifetime
from avatarium.streaming.stage.pacemaker import Pace
from avatarium.streaming.stage.pictures import Look
from avatarium.streaming.stage.pools import call_in, run_in
from avatarium.streaming.stage.recorder import Recorder
from avatarium.streaming.stage.scribe import Scribe
from avatarium.streaming.stage.show import TICK_S, Beat, Show
from avatarium.streaming.stage.speaking import Speaker
from avatarium.streaming.stage.voices import RoomVoices
from avatarium.streaming.transports.viewer import RECORDED, Viewer
from avatarium.streaming.wire import RoomSpec

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from avatarium.engine.production import Renderer

REPORT_S = 10.0
"""How long the end of a room is kept waiting by its books, into which it is written all the same."""
RECORDING_S = 12.0
"""How long the end of a room is kept waiting by its recording, which is stored all the same."""
PACE_S = 2.0
log = structlog.get_logger()


@dataclass(slots=True)
class Rates:
    """Of a room, over the last seconds."""

    fps: float = 0.0
    cpu: float = 0.0
    """Share of a core that drawing takes."""
    _before: tuple[float, int, float] | None = None

    def measure(self, cpu_s: float, pictures: int, now_s: float) -> None:
        """Look at the counters."""
        if self._before is not None:
            cpu_before_s, pictures_before, before_s = self._before
            passed_s = max(now_s - before_s, 0.001)
            self.fps = round((pictures - pictures_before) / passed_s, 1)
            self.cpu = round((cpu_s - cpu_before_s) / passed_s, 3)
        self._before = (cpu_s, pictures, now_s)


class StageRoom:
    """One room. Used on the event loop; a :class:`~avatarium.streaming.transports.viewer.ViewerHost`.

    Args:
        spec: what was booked.
        kit: what it shares with the others.
        show: what it shows; its picture comes later.
    """

    def __init__(self, spec: RoomSpec, kit: Kit, show: Show) -> None:
        self.spec = spec
        self._kit = kit
        self.show = show
        self.pace: Pace | None = None
        self.events = EventLog(
            spec.channel, now_ms=kit.clock.now_ms, media_ms=lambda: self.media_ms, tell=self._tell_viewers
        )
        emit = self.events.emit
        self.audience = Audience(show, kit.settings, recording=spec.record)
        pools = kit.pools.of_room()
        self.director = Director(show, emit, pools, kit.clock, queue_max=kit.settings.live_queue_max)
        self._voices = RoomVoices(kit.slow, kit.storage, pools, kit.scratch / f"voices-{spec.room_id}")
        self.conversation = Conversation(spec, kit.brains, self.director, emit, self._voices)
        self.speaker = Speaker(spec, kit, self.director, pools, self._voices)
        self.hearing = Hearing(spec, kit.ears, self.conversation, self.director, emit, self._attend)
        self._told_to_listen = self._hears_speech = False
        self.lifetime = Lifetime(
            opened_ms=kit.clock.now_ms(),
            expires_ms=spec.expires_ms,
            join_s=kit.settings.live_join_s,
            grace_s=kit.settings.live_grace_s,
        )
        self.view: Renderer | None = None
        self._recorder: Recorder | None = None
        self._ready = self._failed = False
        self._number = 0
        self.pictures = 0
        """That were shown."""
        self.rates = Rates()
        self._scribe = Scribe(spec.room_id, kit.pools.books, kit.spawn)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loading: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[dict[str, Any]] | None = None

    def open(self) -> None:
        """Begin: media time counts, and the picture is loaded."""
        loop = asyncio.get_running_loop()
        self.pace = self._kit.pacemaker.add(
            self.show, partial(call_in, loop, self._on_beat), partial(call_in, loop, self._on_broken)
        )
        self.director.start()
        self.conversation.start()
        self._loading = self._own(self._load(), "load")
        self._own(self._voices.prepare(self.spec.voice), "voice")

    @property
    def media_ms(self) -> int:
        """The room's media time."""
        return round(self._number * TICK_S * 1000)

    @property
    def now_ms(self) -> int:
        """The present."""
        return self._kit.clock.now_ms()

    @property
    def ended(self) -> bool:
        """Whether it is over, or about to be."""
        return self._ending is not None

    @property
    def finished(self) -> bool:
        """Whether its end is over, too."""
        return self._ending is not None and self._ending.done()

    def check_joined(self) -> None:
        """Refuse what nobody would see.

        Raises:
            ConflictError: ``room_ended``, ``not_joined``.
        """
        self.check_open()
        if not self.audience.ever:
            raise ConflictError("Nobody has joined this room yet. Join it first, then let it speak.", code="not_joined")

    def check_open(self) -> None:
        """Refuse where it is over.

        Raises:
            ConflictError: ``room_ended``.
        """
        if self.ended:
            raise ConflictError("This room has ended. Book another.", code="room_ended")

    async def loaded(self) -> Renderer:
        """The picture, when it is there.

        Raises:
            UnavailableError: ``picture_failed``.
        """
        if self._loading is not None and self.view is None:
            await asyncio.wait([self._loading])
        if self.view is None:
            raise UnavailableError("The avatar's picture cannot be shown. Choose another.", code="picture_failed")
        return self.view

    # What viewers tell

    def add_viewer(self, viewer: Viewer) -> bool:
        """Somebody who is about to be connected; False where the room has ended meanwhile."""
        if not self.ended:
            self.audience.add(viewer)
        return not self.ended

    def want_key(self, codec: str) -> None:
        """A viewer of this codec cannot go on without a key frame."""
        self.show.want_key(codec)

    def viewer_connected(self, viewer: Viewer) -> None:
        """Media reaches the viewer."""
        if self.ended:
            return
        if not self.audience.has(viewer):
            self.audience.add(viewer)
        now_ms = self._kit.clock.now_ms()
        alone = len(self.audience.connected) <= 1
        self.lifetime.joined(now_ms)
        self.audience.look()
        self.show.want_key(viewer.codec)
        self.director.set_audience(True)
        if alone:
            self._scribe.write(partial(self._kit.books.note_joined, self.spec.room_id, at_ms=now_ms))
        if self.spec.record and self._recorder is None:
            self._record()
        if self.audience.note_joined(viewer):
            self.events.emit("viewer_joined", viewer_id=name_of(viewer), viewers=len(self.audience.connected))

    def viewer_lost(self, viewer: Viewer) -> None:
        """Media does not reach it any more, and will not."""
        if not self.audience.has(viewer):
            return
        joined = self.audience.remove(viewer)
        self.hearing.forget(viewer)
        left = len(self.audience.connected)
        if not left and self.lifetime.joined_ms is not None and self.lifetime.lost_ms is None and not self.ended:
            now_ms = self._kit.clock.now_ms()
            self.lifetime.lost(now_ms)
            self.director.set_audience(False)
            self._scribe.write(partial(self._kit.books.note_lost, self.spec.room_id, at_ms=now_ms))
        if joined:
            self.events.emit("viewer_left", viewer_id=name_of(viewer), viewers=left)

    def heard(self, viewer: Viewer, pcm: NDArray[float32], rate: int) -> None:
        """Sound of a viewer's microphone."""
        if not self.ended:
            self.hearing.hear(viewer, pcm, rate)

    # What its owner tells

    def extend(self, expires_ms: int) -> None:
        """It lasts until then."""
        self.check_open()
        now_ms = self._kit.clock.now_ms()
        self.lifetime.extend(expires_ms, now_ms)
        self.events.emit("extended", expires_ms=expires_ms, seconds_left=round(self.lifetime.left_s(now_ms), 1))

    def listen(self, on: bool) -> None:
        """Whether the avatar is attentive while it does not speak; it is anyway while somebody speaks to it."""
        self.check_open()
        self._told_to_listen = on
        self._look_attentive()

    def _attend(self, on: bool) -> None:
        self._hears_speech = on
        self._look_attentive()

    def _look_attentive(self) -> None:
        on = self._told_to_listen or self._hears_speech
        if on is not self.show.performer.listening:
            self.show.performer.listening = on
            self.events.emit("listening_started" if on else "listening_ended")

    # Time

    def look(self) -> EndReason | None:
        """Several times a second: warn of the end; tell why the room is over, if it is."""
        now_ms = self._kit.clock.now_ms()
        if self.ended:
            return None
        reason = self.lifetime.over(now_ms)
        if reason is None and (seconds_left := self.lifetime.warning(now_ms)) is not None:
            self.events.emit("expiring", seconds_left=seconds_left)
        return reason

    async def end(self, reason: EndReason, *, until_ms: int | None = None, with_money: bool = True) -> dict[str, Any]:
        """End it, once; whoever asks again gets the same report.

        Args:
            reason: why.
            until_ms: up to when its time counts; now unless given.
            with_money: False where somebody else has closed its money already.
        """
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(reason, until_ms, with_money), name=f"end {self.spec.channel}")
        return await asyncio.shield(self._ending)

    async def _end(self, reason: EndReason, until_ms: int | None, with_money: bool) -> dict[str, Any]:
        ended_ms = self._kit.clock.now_ms() if until_ms is None else until_ms
        report: dict[str, Any] = {}

        async def settle() -> None:
            report.update(await self._close_books(reason, ended_ms) if with_money else {})
            self.events.emit("ended", **({"reason": reason.value} | report))

        async def store() -> None:
            report["recording_key"] = await self._keep_recording()

        # In this order, and each whatever became of the one before: what is left open would go on for ever.
        closings = (self.hearing.close, self.director.close, self.conversation.close)
        media = (self.audience.close, self._leave_pace, self._end_tasks, self._voices.close)
        for step in (*closings, settle, *media, store):
            try:
                await step()
            except Exception:
                log.exception("end_bug", room=self.spec.room_id, step=step.__name__)
        log.info("room_ended", room=self.spec.room_id, reason=reason.value, charged=report.get("charged"))
        return report

    async def _leave_pace(self) -> None:
        if self.pace is not None:
            closed = asyncio.wrap_future(self._kit.pacemaker.remove(self.pace))
            await asyncio.wait([closed], timeout=PACE_S)

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _close_books(self, reason: EndReason, until_ms: int) -> dict[str, Any]:
        kit = self._kit
        close = partial(kit.books.end, self.spec.room_id, reason, until_ms=until_ms, stage_id=kit.stage_id)
        writing = self._scribe.write(close)
        await asyncio.wait([writing], timeout=REPORT_S)
        report = writing.result() if writing.done() else None
        return {} if report is None else report.as_json()

    # Pictures and sound

    async def _load(self) -> None:
        from avatarium.engine.live import Painter

        look = Look.of(self.spec)
        try:
            if self.spec.model_key:
                await self._speak_in_own_style()
            self.view = await self._kit.looks.view(look, self.show.performer.style)
            painter = Painter(self.view, self._kit.looks.idle, look, packed=look.transparent)
            self.show.set_painter(painter)
        except AvatariumError as problem:
            self._fail(problem.code, problem.message)
        except Exception:
            log.exception("picture_bug", room=self.spec.room_id)
            self._fail("engine_bug", "Something went wrong inside with the avatar's picture. It has been logged.")

    async def _speak_in_own_style(self) -> None:
        """Lips that are only less like the person's are no reason to end the room."""
        try:
            self.show.performer.style = await self._kit.looks.style(self.spec.model_key)
        except AvatariumError as problem:
            log.warning("lip_model_failed", room=self.spec.room_id, reason=problem.message)
            self.events.emit("problem", code=problem.code, message=problem.message)

    def _fail(self, code: str, message: str) -> None:
        """Without a picture there is nothing to pay for."""
        if self._failed or self.ended:
            return
        self._failed = True
        log.warning("picture_failed", room=self.spec.room_id, reason=message)
        self.events.emit("problem", code=code, message=message)
        until_ms = self.lifetime.joined_ms or self.lifetime.opened_ms
        # A task of its own, as the one that fails here is cancelled by the end.
        self._kit.spawn(self.end(EndReason.AVATAR_FAILED, until_ms=until_ms))

    def _on_broken(self) -> None:
        """No tick comes any more: what was shown until now counts, and no more."""
        if self.ended:
            return
        message = "Something went wrong inside while this room was drawn, so it ends. It has been logged."
        self.events.emit("problem", code="engine_bug", message=message)
        self._kit.spawn(self.end(EndReason.STAGE_LOST))

    def _on_beat(self, beat: Beat) -> None:
        self._number = beat.number + 1
        self.pictures += bool(beat.pictures)
        if self.ended:
            return
        if (failure := self.show.failure) is not None:
            self._fail(failure.code, failure.message)
            return
        for broken in self.audience.send(beat):
            self.viewer_lost(broken)
        if beat.pictures and not self._ready:
            self._ready = True
            self.events.emit("ready", media_ms=beat.media_ms, codecs=sorted(beat.pictures))
        self.director.on_beat(beat)
        self.hearing.played(beat.pcm)
        if self._recorder is not None:
            self._recorder.write(beat)

    def _record(self) -> None:
        path = self._kit.scratch / f"room-{self.spec.room_id}" / "recording.mp4"
        self._recorder = Recorder(path, coded_size(self.spec))
        self._recorder.start()
        self.show.want_key(RECORDED)

    async def _keep_recording(self) -> str:
        if self._recorder is None:
            return ""
        keep = partial(self._kit.archive.keep, self._recorder, self.spec)
        keeping = self._kit.spawn(run_in(self._kit.pools.storing, keep))
        done, _ = await asyncio.wait([keeping], timeout=RECORDING_S)
        return keeping.result() if done else ""

    def _tell_viewers(self, event: dict[str, Any]) -> None:
        self.audience.tell(event)

    def _own(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"{name} {self.spec.channel}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
