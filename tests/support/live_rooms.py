"""Parts for tests of a stage: a viewer that keeps what it gets, a face that costs nothing, books that only remember."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, cast

import numpy as np
from numpy.typing import NDArray

from avatarium.clock import Clock
from avatarium.engine.face import Life, Pose
from avatarium.engine.live import HeardSound, OpusEncoder, Performer
from avatarium.engine.speech import Speech, Word
from avatarium.engine.video.framing import Size
from avatarium.settings import Settings, load_settings
from avatarium.storage.service import Storage
from avatarium.streaming.brain import Brain, Memory
from avatarium.streaming.brain.records import Report as BrainReport
from avatarium.streaming.brain.records import unheard
from avatarium.streaming.ears import EarKit
from avatarium.streaming.models import EndReason, Room
from avatarium.streaming.reports import Report
from avatarium.streaming.stage.kit import Kit
from avatarium.streaming.stage.pacemaker import Pacemaker
from avatarium.streaming.stage.pools import Pools
from avatarium.streaming.stage.process import make_encoder
from avatarium.streaming.stage.show import Show
from avatarium.streaming.stage.slow import SlowSpeech
from avatarium.streaming.stage.stage import Errands
from avatarium.streaming.stage.voices import RoomVoices
from avatarium.streaming.transports.viewer import Event, LivePacket
from avatarium.streaming.wire import RoomSpec, RoomVoice

P = ParamSpec("P")
RATE = 24_000
PATIENCE_S = 60.0
_ids = itertools.count(1)


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test in an event loop of its own, which must be empty of tasks when it is over."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(3 * PATIENCE_S):
                await test(*args, **kwargs)
            left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            assert not left

        asyncio.run(bounded())

    return run


async def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait for something that the loop or a thread brings about."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"in vain: {what}"
        await asyncio.sleep(0.005)


def speech(text: str = "one two three", word_s: float = 0.2, rate: int = RATE) -> Speech:
    """A tone for each word, and a little silence behind all of them."""
    words = text.split()
    length = round((len(words) * word_s + 0.04) * rate)
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(length) / rate)
    tone[-round(0.04 * rate) :] = 0
    marks = tuple(Word(text=w, start_s=i * word_s, end_s=(i + 1) * word_s) for i, w in enumerate(words))
    return Speech(audio=tone.astype(np.float32), rate=rate, phonemes=(), words=marks, language="en-US")


class FlatFace:
    """A renderer whose grey tells how far the mouth is open."""

    in_order = False

    def __init__(self, size: Size | None = None) -> None:
        self.size = size or Size(64, 64)
        self.drawn = 0

    def render(self, pose: Pose) -> NDArray[np.uint8]:
        self.drawn += 1
        grey = np.clip(100 + 500 * float(pose.mouth[0]), 0, 255)
        return np.full((self.size.height, self.size.width, 3), grey, np.uint8)

    def render_cutout(self, pose: Pose) -> NDArray[np.uint8]:
        raise NotImplementedError

    def close(self) -> None:
        pass


def make_show(seed: int = 1) -> Show:
    """A show without a picture yet."""
    return Show(Performer(Life(seed=seed)), bitrate=300_000, encoders=make_encoder, opus=OpusEncoder())


class KeepingViewer:
    """A viewer that keeps all it gets."""

    def __init__(self, codec: str = "h264", *, uid: int = 7) -> None:
        self.id = f"viewer{next(_ids)}"
        self.uid = uid
        self.codec = codec
        self.connected = False
        self.pictures: list[LivePacket] = []
        self.sounds: list[LivePacket] = []
        self.events: list[Event] = []
        self.estimated_bitrate: int | None = None
        self.loss = 0.0
        self.closed = 0

    def send_picture(self, packet: LivePacket) -> None:
        self.pictures.append(packet)

    def send_sound(self, packet: LivePacket) -> None:
        self.sounds.append(packet)

    def send_event(self, event: Event) -> None:
        self.events.append(event)

    def figures(self) -> dict[str, float | int | str | None]:
        return {"loss": self.loss}

    async def close(self) -> None:
        self.connected = False
        self.closed += 1


class Books:
    """Remembers what a stage writes down."""

    def __init__(self) -> None:
        self.written: list[tuple[str, str, Any]] = []
        self.rooms: dict[str, Room] = {}
        self.troubles: list[Exception] = []
        """Raised, one by one, instead of writing."""

    def get(self, room_id: str) -> Room | None:
        return self.rooms.get(room_id)

    def note_joined(self, room_id: str, *, at_ms: int | None = None) -> None:
        self._write("joined", room_id, at_ms)

    def note_lost(self, room_id: str, *, at_ms: int | None = None) -> None:
        self._write("lost", room_id, at_ms)

    def note_recording(self, room_id: str, key: str) -> None:
        self._write("recording", room_id, key)

    def end(
        self, room_id: str, reason: EndReason, *, until_ms: int | None = None, stage_id: str | None = None
    ) -> Report:
        self._write("end", room_id, (reason, until_ms))
        return Report(
            room_id=room_id,
            channel="a1b2c",
            avatar_id="",
            state="ended",
            reason=reason.value,
            booked_s=60,
            used_s=5.0,
            units=1,
            unit_s=5,
            unit_price=1.0,
            held=12,
            charged=1,
            refunded=11,
            why="Because.",
            created_ms=0,
            expires_ms=0,
            joined_ms=None,
            ended_ms=until_ms,
            recording_key="",
        )

    def _write(self, what: str, room_id: str, value: Any) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.written.append((what, room_id, value))

    @property
    def kinds(self) -> list[str]:
        """What was written, without the rest."""
        return [what for what, _, _ in self.written]


class Parrot:
    """A brain that says what it was given to say; an exception among the sentences is raised."""

    def __init__(self, sentences: list[str | Exception]) -> None:
        self.sentences = sentences
        self.asked: list[tuple[str, int]] = []
        self.contexts: list[str] = []
        self.closed = False
        self.report: BrainReport = unheard

    def for_room(self, context: str, *, language: str = "en", report: BrainReport = unheard) -> Brain:
        self.contexts.append(context)
        self.report = report
        return self

    async def prepare(self) -> None: ...

    async def answer(self, question: str, memory: Memory) -> AsyncGenerator[str, None]:
        self.asked.append((question, len(memory)))
        for sentence in self.sentences:
            await asyncio.sleep(0)
            if isinstance(sentence, Exception):
                raise sentence
            yield sentence

    async def aclose(self) -> None:
        self.closed = True


class OneLook:
    """Looks that are always the same face; or a trouble."""

    def __init__(self) -> None:
        self.face = FlatFace()
        self.trouble: Exception | None = None
        self.idle = None

    async def view(self, look: object, style: object = None) -> FlatFace:
        await asyncio.sleep(0)
        if self.trouble is not None:
            raise self.trouble
        return self.face


class NoArchive:
    """Keeps no recording."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def keep(self, recorder: Any, spec: RoomSpec) -> str:
        if not recorder.finish():
            return ""
        self.kept.append(str(recorder.path))
        return f"results/{spec.owner}/{spec.room_id}/recording.mp4"


def voices_of(pools: Pools) -> RoomVoices:
    """Of a room in which nobody speaks who is slow."""
    return RoomVoices(SlowSpeech(), cast(Storage, None), pools, Path("nowhere"))


AVA_SPEAKS = RoomVoice(name="hibari-ava", language="en-US", gender="female")


def spec_of(**changes: Any) -> RoomSpec:
    """A room of a minute."""
    now_ms = Clock().now_ms()
    given: dict[str, Any] = {
        **{"room_id": f"{next(_ids):024x}", "channel": "a1b2c", "owner": "f" * 24, "avatar_id": "a" * 24},
        **{"source": "ava", "picture_key": "system/avatars/ava.png", "gender": "female", "token_uid": 7},
        **{"created_ms": now_ms, "expires_ms": now_ms + 60_000, "booked_s": 60, "resolution": 64},
        "voice": AVA_SPEAKS,
    }
    return RoomSpec(**(given | changes))


@asynccontextmanager
async def a_kit(tmp_path: Path, **changes: Any) -> AsyncIterator[Any]:
    """All that rooms share, with real threads; given back at the end."""
    settings: Settings = changes.pop("settings", None) or load_settings(home=tmp_path / "home")
    pools, pacemaker, errands = Pools.open(), Pacemaker(), Errands()
    ears = EarKit(transcribe=changes.pop("transcribe", None))
    pacemaker.start()
    given: dict[str, Any] = {
        **{"stage_id": "stage-1", "settings": settings, "clock": Clock(), "books": Books(), "pools": pools},
        **{"pacemaker": pacemaker, "looks": OneLook(), "brains": Parrot(["Yes."]), "ears": ears, "fetcher": None},
        **{"archive": NoArchive(), "encoders": make_encoder, "listen": HeardSound, "scratch": tmp_path / "scratch"},
        **{"spawn": errands.spawn, "slow": SlowSpeech(), "storage": None},
    }
    try:
        yield Kit(**(given | changes))
    finally:
        await errands.close(5.0)
        await ears.aclose()
        pacemaker.stop()
        pools.close()


def windows(samples: NDArray[np.float32], size: int) -> Iterator[float]:
    """The loudest of each stretch of so many samples."""
    for at in range(0, len(samples) - size + 1, size):
        yield float(np.abs(samples[at : at + size]).max())
