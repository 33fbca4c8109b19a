"""Make a video of somebody speaking: speech in, file out, in bounded memory however long it is."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.life import GOING_ON, Life
from avatarium.engine.face.pose import Pose
from avatarium.engine.speech.records import Phoneme, Speech, Word
from avatarium.engine.video.encoding import EncoderOptions
from avatarium.engine.video.framing import Size
from avatarium.engine.video.writer import VideoWriter
from avatarium.errors import StalledError, TextError

Image = NDArray[np.uint8]
Mark = TypeVar("Mark", Phoneme, Word)

LEAD_S, TAIL_S = 0.2, 0.5
"""Stillness before the first word and after the last."""
SPEECH_AHEAD, FRAMES_BEHIND = 2, 8
"""Sentences that are synthesised ahead and frames that wait for the encoder."""
SYNTHETIC = {
    "comment": "Synthetic: made with Avatarium",
    "description": "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia",
}
"""What a video says of itself in plain words, also where it carries no credentials; the second by the IPTC's list."""
STALLED_S, SPEECH_STALLED_S = 600.0, 3600.0
"""How long to wait for the encoder, and for speech: a recording of an hour is heard whole before its first piece."""

Progress = Callable[[float], None]
"""Called with the seconds of video made so far."""


class Renderer(Protocol):
    """Whoever shows poses in frames of one size: a :class:`View`, a :class:`Stage`, or those of a twin."""

    size: Size

    @property
    def in_order(self) -> bool:
        """Whether frames depend on the poses before and their ticks: such a one is used by one room or job only."""

    def render(self, pose: Pose) -> Image:
        """One frame, RGB ``(height, width, 3)``; the caller may write into it."""

    def render_cutout(self, pose: Pose) -> Image:
        """One frame of the person alone, RGBA with straight alpha, ``(height, width, 4)``; as :meth:`render`."""

    def close(self) -> None:
        """Let go of files; it must not be used any more."""


class Captioner(Protocol):
    """Whoever writes what is said into the picture: a :class:`CaptionPainter`."""

    def hear(self, words: Sequence[Word]) -> None:
        """The next words, with their times in the video, before the first frame in which they are said."""

    def paint(self, frame: Image, t_s: float) -> Image:
        """The frame that is seen at a time, with what is written in it; it may be the same array."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What came out."""

    path: Path
    frames: int
    fps: int
    blinks_s: tuple[float, ...]
    """Times at which lids begin to fall."""
    phonemes: tuple[Phoneme, ...]
    words: tuple[Word, ...]
    render_cpu_s: float
    """CPU time of rendering alone, without synthesis and encoding."""
    wall_s: float

    @property
    def duration_s(self) -> float:
        """Length of the video."""
        return self.frames / self.fps

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for a second of video; below 1 is faster than playback."""
        return self.wall_s / max(self.duration_s, 1e-9)


def make_video(
    view: Renderer,
    speech: Iterable[Speech],
    path: Path,
    *,
    life: Life | None = None,
    alpha: bool = False,
    title: str = "",
    still_s: tuple[float, float] = (LEAD_S, TAIL_S),
    captions: Captioner | None = None,
    options: EncoderOptions | None = None,
    progress: Progress | None = None,
) -> Take:
    """Render a view speaking and write it with its sound.

    Synthesis, rendering and encoding run side by side in three threads, a few sentences and frames apart.

    Args:
        view: who speaks, in the size of the video.
        speech: what is said, in pieces; all of one rate that the frame rate divides.
        path: ``.mp4``, or ``.webm`` (needed for alpha).
        life: temperament and frame rate.
        alpha: write the person alone on a clear ground.
        title: shown by players.
        still_s: stillness before the first word and after the last; with none the video lasts as long as the sound.
        captions: writes what is said into the frames.
        options: how to encode.
        progress: told how far the video is.

    Raises:
        OutputError: the file cannot be written.
        TextError: the speech is empty, or captions cannot be set.
        StalledError: speech or encoder did not answer.
        ValueError: rates of the pieces differ, or the frame rate is not whole.

    After an error nothing is left under the file's name.
    """
    life = life or Life()
    fps = round(life.fps)
    if fps != life.fps:
        raise ValueError(f"a video has a whole number of frames a second, not {life.fps}")
    began, show = time.monotonic(), view.render_cutout if alpha else view.render
    with _one_thread("speech") as speaking:
        scenes = _ahead(_scenes(speech, fps, still_s), speaking)
        first = next(scenes, None)
        if first is None:
            raise TextError("There is nothing to say: the speech is empty.", code="nothing_to_say")
        take = _Take(rate=first.speech.rate)
        width, height = view.size.width, view.size.height
        with (
            VideoWriter(
                path,
                width=width,
                height=height,
                fps=fps,
                rate=take.rate,
                alpha=alpha,
                title=title,
                metadata=SYNTHETIC,
                options=options,
            ) as writer,
            _one_thread("encoder") as encoding,
        ):
            encoder = _Behind(encoding)
            write = writer.write_alpha if alpha else writer.write
            for scene in chain([first], scenes):
                encoder.run(writer.write_sound, scene.speech.audio)
                words = take.note(scene, life)
                if captions:
                    captions.hear(words)
                for pose in take.perform(scene, life):
                    frame, at_s = take.timed(show, pose), (take.frames - 1) / fps
                    encoder.run(write, captions.paint(frame, at_s) if captions else frame)
                    if progress:
                        progress(take.frames / fps)
            encoder.finish()
    return take.done(path, life, time.monotonic() - began)


@contextmanager
def _one_thread(name: str) -> Iterator[ThreadPoolExecutor]:
    """A pool of one thread that forgets what is queued when its user leaves."""
    pool, wait = ThreadPoolExecutor(1, thread_name_prefix=name), True
    try:
        yield pool
    except (TimeoutError, StalledError) as error:
        wait = False
        raise StalledError("A step of the work did not answer and was given up. Try again.", code="stalled") from error
    finally:
        pool.shutdown(wait=wait, cancel_futures=True)


@dataclass(slots=True)
class _Take:
    """A take in the making."""

    rate: int
    frames: int = 0
    cpu_s: float = 0.0
    phonemes: list[Phoneme] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)

    def note(self, scene: _Scene, life: Life) -> tuple[Word, ...]:
        """Write down what is said in the next piece; answers with its words at their time in the video."""
        start_s, speech = self.frames / life.fps, scene.speech
        if speech.rate != self.rate:
            raise ValueError(f"all pieces must have one rate: {self.rate} and then {speech.rate}")
        words = tuple(_later(w, start_s) for w in speech.words)
        self.phonemes += [_later(p, start_s) for p in speech.phonemes]
        self.words += words
        return words

    def perform(self, scene: _Scene, life: Life) -> Iterator[Pose]:
        """Poses of the next piece."""
        start_s, speech = self.frames / life.fps, scene.speech
        frames = round(len(speech.audio) * life.fps / speech.rate)
        performance = life.perform(speech, frames, start_s=start_s, edges=scene.edges)
        for i in range(len(performance)):
            self.frames += 1
            yield performance[i]

    def timed(self, show: Callable[[Pose], Image], pose: Pose) -> Image:
        """Render, counting the CPU time of this thread."""
        before = time.thread_time()
        picture = show(pose)
        self.cpu_s += time.thread_time() - before
        return picture

    def done(self, path: Path, life: Life, wall_s: float) -> Take:
        """The record of what was made."""
        return Take(
            path=path,
            frames=self.frames,
            fps=round(life.fps),
            blinks_s=tuple(life.blinks_until(self.frames / life.fps)),
            phonemes=tuple(self.phonemes),
            words=tuple(self.words),
            render_cpu_s=self.cpu_s,
            wall_s=wall_s,
        )


def _later(mark: Mark, by_s: float) -> Mark:
    return replace(mark, start_s=mark.start_s + by_s, end_s=mark.end_s + by_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """A piece of speech filled to whole frames."""

    speech: Speech
    edges: tuple[float, float]
    """How lively the head is where the piece begins and ends."""


def _scenes(speech: Iterable[Speech], fps: int, still_s: tuple[float, float]) -> Iterator[_Scene]:
    """Each piece filled with silence to whole frames; stillness before the first and after the last."""
    lead_s, tail_s = still_s
    held: Speech | None = None
    before = 0.0
    for piece in speech:
        if held is None:
            held = _padded(piece, fps, lead_s, 0.0)
            continue
        yield _Scene(speech=held, edges=(before, GOING_ON))
        held, before = _padded(piece, fps, 0.0, 0.0), GOING_ON
    if held is not None:
        yield _Scene(speech=_padded(held, fps, 0.0, tail_s), edges=(before, 0.0))


def _padded(piece: Speech, fps: int, before_s: float, after_s: float) -> Speech:
    before = round(before_s * fps) * piece.rate // fps
    frames = -(-(before + len(piece.audio) + round(after_s * piece.rate)) * fps // piece.rate)
    after = frames * piece.rate // fps - before - len(piece.audio)
    shift_s = before / piece.rate
    return replace(
        piece,
        audio=np.pad(piece.audio, (before, after)),
        phonemes=tuple(_later(p, shift_s) for p in piece.phonemes),
        words=tuple(_later(w, shift_s) for w in piece.words),
    )


def _ahead(source: Iterator[_Scene], pool: ThreadPoolExecutor) -> Iterator[_Scene]:
    """The same pieces, the next ones being made in the pool's one thread while a piece is used."""
    made = deque(pool.submit(next, source, None) for _ in range(SPEECH_AHEAD))
    while (piece := made.popleft().result(SPEECH_STALLED_S)) is not None:
        made.append(pool.submit(next, source, None))
        yield piece


class _Behind:
    """Work done in order in the pool's one thread, a bounded number of jobs behind. Its failures are raised here."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._jobs: deque[Future[None]] = deque()

    def run(self, job: Callable[..., None], *what: Any) -> None:
        """Queue a job, waiting while there are too many."""
        self._jobs.append(self._pool.submit(job, *what))
        if len(self._jobs) > FRAMES_BEHIND:
            self._jobs.popleft().result(STALLED_S)

    def finish(self) -> None:
        """Wait until everything is done."""
        while self._jobs:
            self._jobs.popleft().result(STALLED_S)
