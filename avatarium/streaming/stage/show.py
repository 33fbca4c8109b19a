"""What one room shows: ticks of its performer, painted, and coded once for all who watch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import structlog

from avatarium.errors import AvatariumError
from avatarium.streaming.transports.viewer import PICTURE_RATE, SOUND_RATE, LivePacket

if TYPE_CHECKING:
    from avatarium.engine.live import I420, Mark, Performer, PictureEncoder, Tick
    from avatarium.engine.speech.records import Samples
    from avatarium.engine.video.framing import Size

TICK_S = 0.04
PACKET_SAMPLES = 960
PICTURE_STEP = round(PICTURE_RATE * TICK_S)
SOUND_STEP = round(SOUND_RATE * TICK_S)
KEY_GAP_TICKS = 8
"""Between two key frames: under loss viewers ask for more than the connection that loses can carry."""
log = structlog.get_logger()


class Paints(Protocol):
    """Whoever makes a picture of a tick: a :class:`~avatarium.engine.live.Painter`."""

    size: Size

    def paint(self, tick: Tick) -> I420: ...

    def close(self) -> None: ...


class CodesSound(Protocol):
    """An :class:`~avatarium.engine.live.OpusEncoder`."""

    lossy: bool

    def encode(self, sound: Samples) -> bytes: ...

    def close(self) -> None: ...


EncoderMaker = Callable[[str, "Size", int], "PictureEncoder"]
"""Makes an encoder of a codec, for a size and a bit rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What one tick gave to send."""

    number: int
    due_s: float
    """When it is to be seen and heard, on the monotonic clock."""
    pictures: Mapping[str, LivePacket] = field(default_factory=dict)
    """By codec."""
    sounds: tuple[LivePacket, ...] = ()
    pcm: Samples
    """What sounds, 48 kHz."""
    marks: tuple[Mark, ...] = ()
    skipped: bool = False
    """Whether the picture was left out because it was too late for it."""

    @property
    def media_ms(self) -> int:
        """The room's media time at its beginning."""
        return round(self.number * TICK_S * 1000)


class Show:
    """One room's performer, picture and encoders.

    :meth:`make` and :meth:`close` belong to the thread that renders; all else may be called from any.
    """

    def __init__(
        self,
        performer: Performer,
        *,
        bitrate: int,
        encoders: EncoderMaker,
        opus: CodesSound,
    ) -> None:
        self.performer = performer
        self.bitrate = bitrate
        """Bits a second of each codec."""
        self.thin = False
        """Whether every second picture is left out."""
        self.lossy = False
        """Whether sound must bear that packets get lost."""
        self.generation = 0
        """Stamped on all packets."""
        self.cpu_s = 0.0
        """Processor time that all ticks took."""
        self.skipped = 0
        self._lock = threading.Lock()
        self._painter: Paints | None = None
        self._watched: frozenset[str] = frozenset()
        self._anybody = False
        self._keys: set[str] = set()
        self._key_at: dict[str, int] = {}
        self._making = encoders
        self._encoders: dict[str, PictureEncoder] = {}
        self._opus = opus
        self._troubles = 0
        self._closed = False
        self.failure: AvatariumError | None = None
        """Why there will be no picture any more."""

    @property
    def has_picture(self) -> bool:
        """Whether there is somebody to show yet."""
        return self._painter is not None

    @property
    def encoders(self) -> list[str]:
        """The codecs that are running."""
        return sorted(self._encoders)

    def set_painter(self, painter: Paints) -> None:
        """Show this from the next tick on. It belongs to the show, also where that is over already."""
        with self._lock:
            self._painter = painter
            closed = self._closed
        if closed:
            painter.close()

    def watch(self, codecs: frozenset[str], *, anybody: bool) -> None:
        """Who is there: with nobody, time goes on and nothing is drawn or coded.

        Args:
            codecs: of the pictures that somebody watches.
            anybody: whether there is somebody at all, be it without a picture.
        """
        self._watched, self._anybody = codecs, anybody

    def want_key(self, codec: str) -> None:
        """The next picture of this codec shall be one to begin with; many wishes are one."""
        with self._lock:
            self._keys.add(codec)

    def make(self, due_s: float, *, late: bool) -> Beat:
        """The next tick.

        Args:
            due_s: when it is to be seen and heard.
            late: whether there is no time left for a picture.
        """
        began_s = time.thread_time()
        try:
            return self._make(due_s, late)
        finally:
            self.cpu_s += time.thread_time() - began_s

    def close(self) -> None:
        """Give the encoders back, and what the picture is made of."""
        self._drop_unwatched(frozenset())
        self._opus.close()
        with self._lock:
            painter, self._closed = self._painter, True
        if painter is not None:
            painter.close()

    def _make(self, due_s: float, late: bool) -> Beat:
        tick = self.performer.tick()
        watched, painter = self._watched, self._painter
        self._drop_unwatched(watched)
        if not self._anybody:
            return Beat(number=tick.number, due_s=due_s, pcm=tick.sound, marks=tick.marks)
        wanted = painter is not None and bool(watched) and not (self.thin and tick.number % 2)
        pictures: dict[str, LivePacket] = {}
        if painter is not None and wanted and not late:
            pictures = self._pictures(tick, painter, watched, due_s)
        skipped = wanted and late
        self.skipped += skipped
        return Beat(
            number=tick.number,
            due_s=due_s,
            pictures=pictures,
            sounds=self._sounds(tick, due_s),
            pcm=tick.sound,
            marks=tick.marks,
            skipped=skipped,
        )

    def _pictures(self, tick: Tick, painter: Paints, watched: frozenset[str], due_s: float) -> dict[str, LivePacket]:
        try:
            i420 = painter.paint(tick)
            return {codec: self._coded(codec, i420, painter.size, tick.number, due_s) for codec in watched}
        except AvatariumError as problem:
            self.failure = self.failure or problem
            return {}
        except Exception:
            # The room goes on in sound; whoever looks after it sees that pictures stay away.
            self._troubles += 1
            if self._troubles in (1, 25, 250):
                log.exception("picture_bug", times=self._troubles)
            return {}

    def _coded(self, codec: str, i420: I420, size: Size, number: int, due_s: float) -> LivePacket:
        encoder = self._encoders.get(codec)
        if encoder is None:
            encoder = self._encoders[codec] = self._making(codec, size, self.bitrate)
        if encoder.bitrate != self.bitrate:
            encoder.bitrate = self.bitrate
        pts = number * PICTURE_STEP
        coded = encoder.encode(i420, pts, key=self._takes_key(codec, number))
        if coded.key:
            self._key_at[codec] = number
        return LivePacket(data=coded.data, pts=pts, due_s=due_s, key=coded.key, generation=self.generation)

    def _takes_key(self, codec: str, number: int) -> bool:
        with self._lock:
            if codec not in self._keys or number - self._key_at.get(codec, -KEY_GAP_TICKS) < KEY_GAP_TICKS:
                return False
            self._keys.discard(codec)
            return True

    def _sounds(self, tick: Tick, due_s: float) -> tuple[LivePacket, ...]:
        start = tick.number * SOUND_STEP
        self._opus.lossy = self.lossy
        return tuple(
            LivePacket(
                data=self._opus.encode(tick.sound[at : at + PACKET_SAMPLES]),
                pts=start + at,
                due_s=due_s + at / SOUND_RATE,
                key=True,
                generation=self.generation,
            )
            for at in range(0, SOUND_STEP, PACKET_SAMPLES)
        )

    def _drop_unwatched(self, watched: frozenset[str]) -> None:
        for codec in [codec for codec in self._encoders if codec not in watched]:
            self._encoders.pop(codec).close()
            self._key_at.pop(codec, None)
