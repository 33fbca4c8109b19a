"""The lips of a dubbing: mouths of the film's own frames, laid in where the new words are spoken.

The video actor of twins (``engine.face.video``) works here on the video itself, frame by frame at its own instants: no
loop, no matting, no copy of the film. A video is taken in stretches of about a minute, so that memory does not grow
with its length; in each, everybody who speaks is looked for and painted apart. Outside of mouth and jaw a frame keeps
every sample that it has, and so do frames in which nobody speaks, whose mouth is hidden, or whose person is not the one
who speaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.dubbing.document import Segment
from avatarium.engine.dubbing.fitting import Placed
from avatarium.engine.dubbing.looking import Seen, look
from avatarium.engine.dubbing.parts import Part, joined, windows_of
from avatarium.engine.face.life import Life
from avatarium.engine.face.pose import Performance
from avatarium.engine.face.topology import VERTICES
from avatarium.engine.face.video.actor import Films, Loop, VideoActor
from avatarium.engine.face.video.lie import Lie
from avatarium.engine.face.video.view import HIDDEN, Speaking
from avatarium.engine.face.video.warping import Tracked
from avatarium.engine.speech.activity import Stretch
from avatarium.engine.speech.records import Phoneme, Speech
from avatarium.engine.video.container import open_media, unreadable
from avatarium.engine.video.framing import Placement, Size
from avatarium.engine.video.patching import Box, even_box, read_rgb, write_rgb
from avatarium.engine.video.planes import PictureCoding, Planes, coding_of
from avatarium.engine.video.probe import made_rate, picture_stream
from avatarium.errors import InputError, StalledError

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

STALLED_S = 1800.0
"""For a part; a minute of 4K takes some minutes on one slow core."""
_FADE_S = 0.16
"""From the film's own mouth to the made one, and back."""
_REACH = 1.5
"""Size of what may change against the face's outline."""
_SLOWEST, _FASTEST = 12, 60
_RATE = 24_000


def speaking(one: Placed) -> tuple[Stretch, Stretch]:
    """When the mouth of a segment moved, and when it is to move."""
    own = Stretch(start_s=one.segment.start_s, end_s=one.segment.end_s)
    return own, Stretch(start_s=one.fitted.start_s, end_s=one.fitted.end_s)


def _end_s(one: Placed) -> float:
    return max(span.end_s for span in speaking(one))


class Lips:
    """Paints the mouths of a dubbing into the frames of its video, which come in their order. Use it as a context.

    The film is looked at in a thread of its own, one stretch ahead, from the moment at which this is made: what is
    spoken may be made meanwhile, and is told before the first frame by :attr:`placed`.

    Args:
        media: the video.
        segments: of the document.
        duration_s: of the video.
    """

    def __init__(self, media: Path, segments: Sequence[Segment], duration_s: float) -> None:
        self.painted = 0
        """Frames whose mouth was changed."""
        self.silent: set[str] = set()
        """Segments during which no mouth was seen to speak."""
        self.placed: Sequence[Placed] = ()
        self._media = media
        self._windows = list(windows_of(segments, duration_s))
        self._coding, self._fps = _coding(media)
        self._now: tuple[Part, ...] = ()
        self._mouths: list[_Mouth] = []
        self._stopped = Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="looking")
        self._ahead: dict[tuple[float, str], Future[Seen | None]] = {}
        self._look_ahead(0)

    def prepare(self, width: int, height: int) -> _Paint:
        """For :func:`repaint`."""
        return _Paint(self, width, height)

    def mouths_at(self, at_s: float) -> Sequence[_Mouth]:
        """What paints the frame of a second.

        Raises:
            StalledError: ``stalled``: the film was not looked at in time.
        """
        while self._windows and self._windows[0][0].end_s <= at_s:
            for part in self._windows.pop(0):
                self._ahead.pop(part.name, None)
        window = self._windows[0] if self._windows and self._windows[0][0].start_s <= at_s else ()
        if window is not self._now:
            self._now, self._mouths = window, []
            if window:
                self._look_ahead(0)
                seen = [self._seen(part) for part in window]
                self._look_ahead(1)
                made = (self._made(part, one) for part, one in zip(window, seen, strict=True))
                self._mouths = [mouth for mouth in made if mouth is not None]
        return self._mouths

    def close(self) -> None:
        """End what is going on."""
        self._stopped.set()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _look_ahead(self, number: int) -> None:
        for part in self._windows[number] if number < len(self._windows) else ():
            if part.name not in self._ahead:
                asked = (self._media, self._coding, part, self._stopped.is_set)
                self._ahead[part.name] = self._thread.submit(look, *asked)

    def _seen(self, part: Part) -> Seen | None:
        try:
            return self._ahead[part.name].result(STALLED_S)
        except TimeoutError as error:
            raise StalledError(
                "Looking at the video took too long and was given up. Try again.", code="stalled"
            ) from error

    def _made(self, part: Part, seen: Seen | None) -> _Mouth | None:
        inside = {segment.id for segment in part.segments}
        placed = [one for one in self.placed if one.segment.id in inside]
        heard = _visible(placed, seen)
        self.silent |= {one.segment.id for one in placed} - {one.segment.id for one in heard}
        if seen is None or not heard:
            return None
        return _Mouth(seen, heard, part, self._coding, self._fps)


class _Paint:
    def __init__(self, lips: Lips, width: int, height: int) -> None:
        self._lips = lips
        self._picture = np.zeros((height, width, 3), np.uint8)

    def __call__(self, planes: Planes, at_s: float) -> None:
        painted = [mouth.paint(planes, at_s, self._picture) for mouth in self._lips.mouths_at(at_s)]
        self._lips.painted += any(painted)


class _Mouth:
    """The mouth of one person in one part of a video."""

    def __init__(self, seen: Seen, placed: Sequence[Placed], part: Part, coding: PictureCoding, fps: int) -> None:
        self._times, self._fps, self._begin_s = seen.times_s, fps, part.start_s
        self._frames = np.flatnonzero(seen.track.seen)
        self._size = coding.width, coding.height
        active = joined([span for one in placed for span in speaking(one)], 0.0, part.start_s, part.end_s)
        shown = (seen.shown * _envelope(active, seen.times_s)).astype(np.float32)
        self._loop = _loop(seen, shown)
        actor = VideoActor(Films(base=Path()), self._size, self._loop, seen.measures.neutral, seen.bank)
        self._speaking = Speaking(actor, _whole(self._size), None, seen.still)
        self._performance = _performance(placed, part, fps)
        self._last = -2

    def paint(self, planes: Planes, at_s: float, picture: Image) -> bool:
        """Change the mouth of a frame, in place; False where it is left as it is."""
        number = int(np.abs(self._times - at_s).argmin())
        if abs(self._times[number] - at_s) > 0.6 / self._fps or self._loop.shown[number] < HIDDEN:
            return False
        tick = min(max(0, round((at_s - self._begin_s) * self._fps)), len(self._performance) - 1)
        if tick - self._last not in (0, 1):
            self._speaking.begin()
        self._last = tick
        box = self._box(number)
        read_rgb(planes, box, picture)
        x0, y0, x1, y1 = box
        before = picture[y0:y1, x0:x1].copy()
        self._speaking.speak(picture, None, number, self._performance[tick])
        write_rgb(planes, box, before, picture[y0:y1, x0:x1])
        return True

    def _box(self, number: int) -> Box:
        points = self._loop.tracked.points[number, :, :2]
        low, high = points.min(0), points.max(0)
        middle, half = (low + high) / 2, (high - low) / 2 * _REACH
        (left, top), (right, bottom) = (middle - half).tolist(), (middle + half).tolist()
        return even_box(left, top, right, bottom, *self._size)


def _visible(placed: Sequence[Placed], seen: Seen | None) -> list[Placed]:
    """What the person who is seen says: his mouth moves when it was said in the original."""
    if seen is None:
        return []
    return [one for one in placed if seen.speaks(speaking(one)[0])]


def _loop(seen: Seen, shown: Floats) -> Loop:
    measures = seen.measures
    return Loop(
        order=np.arange(len(shown), dtype=np.int32),
        tracked=Tracked(
            points=seen.track.points[:, :VERTICES],
            local=measures.local,
            controls=measures.controls,
            scale=measures.placing.scale,
            turn=measures.placing.turn,
            shift=measures.placing.shift,
        ),
        pose=measures.pose,
        shown=shown,
    )


def _envelope(active: Sequence[Stretch], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 where somebody speaks, 0 where nobody does, with ramps outside."""
    level = np.zeros(len(times_s))
    for span in active:
        away = np.maximum(span.start_s - times_s, times_s - span.end_s)
        level = np.maximum(level, np.clip(1 - away / _FADE_S, 0, 1))
    return level


def _performance(placed: Sequence[Placed], part: Part, fps: int) -> Performance:
    """The mouth over a part, from the very sound that will be heard."""
    length_s = max(_end_s(one) for one in placed) + 1 - part.start_s
    audio = np.zeros(round(length_s * _RATE), np.float32)
    phonemes: list[Phoneme] = []
    for one in placed:
        at_s = one.at_s - part.start_s
        first = max(0, round(at_s * _RATE))
        sound = one.spoken.audio[: len(audio) - first]
        audio[first : first + len(sound)] += sound
        begun_s = phonemes[-1].end_s if phonemes else 0.0
        phonemes += [
            Phoneme(ipa=p.ipa, start_s=p.start_s + at_s, end_s=p.end_s + at_s, stress=p.stress)
            for p in one.spoken.phonemes
            if p.start_s + at_s >= begun_s
        ]
    speech = Speech(audio=audio, rate=_RATE, phonemes=tuple(phonemes), words=())
    return Life(fps=float(fps)).perform(speech, int(length_s * fps))


def _whole(size: tuple[int, int]) -> Lie:
    width, height = size
    placement = Placement(
        source_x=0,
        source_y=0,
        source_width=width,
        source_height=height,
        target_x=0,
        target_y=0,
        target_width=width,
        target_height=height,
    )
    return Lie(placement=placement, size=Size(width, height), smaller=None, scale=1.0, shift=np.zeros(2))


def _coding(media: Path) -> tuple[PictureCoding, int]:
    """How the pictures are painted, and how many there are in a second."""
    with open_media(media, error=InputError, noun="video") as container:
        stream = picture_stream(container, media)
        rate = round(made_rate(stream))
        first = next(container.decode(stream), None)
        if first is None:
            raise unreadable(media, error=InputError, noun="video")
        coding = coding_of(stream, first, alpha=False, even=True, short_side=None)
    return coding, min(max(rate, _SLOWEST), _FASTEST)
