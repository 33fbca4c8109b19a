"""Make a video of somebody speaking: speech in, file out, in bounded memory however long it is."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from avatarium.engine.face.actor import View
from avatarium.engine.face.life import Life
from avatarium.engine.speech.records import Phoneme, Samples, Speech, Word
from avatarium.engine.video.encoding import EncoderOptions
from avatarium.engine.video.writer import VideoWriter

LEAD_S, TAIL_S = 0.2, 0.5
"""Stillness before the first word and after the last."""
QUEUED_SPEECH, QUEUED_FRAMES = 2, 8
STALLED_S = 600.0
"""A stage that waits longer than this for its neighbour gives up."""

Progress = Callable[[float], None]
"""Called with the seconds of video made so far."""


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
    view: View,
    speech: Iterable[Speech],
    path: Path,
    *,
    life: Life | None = None,
    alpha: bool = False,
    title: str = "",
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
        options: how to encode.
        progress: told how far the video is.

    Raises:
        OutputError: the file cannot be written; nothing is left under its name.
    """
    life = life or Life()
    fps = round(life.fps)
    began, cpu, marks = time.monotonic(), 0.0, _Marks()
    with _Ahead(_scenes(speech, fps), QUEUED_SPEECH) as scenes:
        first = next(scenes, None)
        rate = first.rate if first else 24000
        writer = VideoWriter(
            path,
            width=view.size.width,
            height=view.size.height,
            fps=fps,
            rate=rate,
            alpha=alpha,
            title=title,
            options=options,
        )
        with writer, _Behind(writer.write_alpha if alpha else writer.write) as frames:
            for scene in _chain(first, scenes):
                start_s = frames.count / fps
                marks.add(scene, start_s)
                frames.run(lambda scene=scene: writer.write_sound(scene.audio))
                count = round(len(scene.audio) * fps / scene.rate)
                performance = life.perform(scene, count, start_s=start_s)
                for i in range(count):
                    before = time.thread_time()
                    picture = view.render_cutout(performance[i]) if alpha else view.render(performance[i])
                    cpu += time.thread_time() - before
                    frames.put(picture)
                    if progress:
                        progress(frames.count / fps)
            frames.finish()
    return Take(
        path=path,
        frames=frames.count,
        fps=fps,
        blinks_s=tuple(life.blinks_until(frames.count / fps)),
        phonemes=tuple(marks.phonemes),
        words=tuple(marks.words),
        render_cpu_s=cpu,
        wall_s=time.monotonic() - began,
    )


@dataclass(slots=True)
class _Marks:
    phonemes: list[Phoneme] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)

    def add(self, scene: Speech, start_s: float) -> None:
        self.phonemes += [
            Phoneme(ipa=p.ipa, start_s=p.start_s + start_s, end_s=p.end_s + start_s, stress=p.stress)
            for p in scene.phonemes
        ]
        self.words += [Word(text=w.text, start_s=w.start_s + start_s, end_s=w.end_s + start_s) for w in scene.words]


def _scenes(speech: Iterable[Speech], fps: int) -> Iterator[Speech]:
    """Each piece filled with silence to whole frames; stillness before the first and after the last."""
    held: Speech | None = None
    for piece in speech:
        if held is None:
            held = _padded(piece, fps, LEAD_S, 0.0)
            continue
        yield held
        held = _padded(piece, fps, 0.0, 0.0)
    if held is not None:
        yield _padded(held, fps, 0.0, TAIL_S)


def _padded(piece: Speech, fps: int, before_s: float, after_s: float) -> Speech:
    before = round(before_s * fps) * piece.rate // fps
    frames = -(-(before + len(piece.audio) + round(after_s * piece.rate)) * fps // piece.rate)
    after = frames * piece.rate // fps - before - len(piece.audio)
    shift = before / piece.rate
    return Speech(
        audio=np.pad(piece.audio, (before, after)),
        rate=piece.rate,
        phonemes=tuple(
            Phoneme(ipa=p.ipa, start_s=p.start_s + shift, end_s=p.end_s + shift, stress=p.stress)
            for p in piece.phonemes
        ),
        words=tuple(Word(text=w.text, start_s=w.start_s + shift, end_s=w.end_s + shift) for w in piece.words),
        language=piece.language,
    )


def _chain(first: Speech | None, rest: Iterator[Speech]) -> Iterator[Speech]:
    if first is not None:
        yield first
    yield from rest


_END: Any = object()


class _Ahead:
    """An iterator whose source runs ahead in a thread, a bounded number of items."""

    def __init__(self, source: Iterator[Speech], ahead: int) -> None:
        self._source = source
        self._queue: queue.Queue[Any] = queue.Queue(maxsize=ahead)
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="speech", daemon=True)

    def __enter__(self) -> Iterator[Speech]:
        self._thread.start()
        return iter(self)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        while self._thread.is_alive():
            _drain(self._queue)
            self._thread.join(0.05)

    def __iter__(self) -> Iterator[Speech]:
        while (item := self._queue.get(timeout=STALLED_S)) is not _END:
            yield item
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            for item in self._source:
                self._queue.put(item, timeout=STALLED_S)
                if self._stop.is_set():
                    return
        except BaseException as failure:  # handed to the thread that reads
            self._failure = failure
        self._queue.put(_END, timeout=STALLED_S)


class _Behind:
    """A thread that writes frames while the next are rendered. The first failure is raised where frames are put."""

    def __init__(self, write: Callable[[Any], None]) -> None:
        self.count = 0
        self._write = write
        self._queue: queue.Queue[Any] = queue.Queue(maxsize=QUEUED_FRAMES)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)

    def __enter__(self) -> _Behind:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            _drain(self._queue)
            self._queue.put(_END, timeout=STALLED_S)
            self._thread.join(STALLED_S)

    def put(self, frame: Any) -> None:
        """Queue a frame, waiting while the encoder is behind."""
        self.count += 1
        self.run(lambda: self._write(frame))

    def run(self, job: Callable[[], None]) -> None:
        """Queue any other work on the writer, in order with the frames."""
        self._queue.put(job, timeout=STALLED_S)
        if self._failure is not None:
            raise self._failure

    def finish(self) -> None:
        """Wait until everything is written."""
        self._queue.put(_END, timeout=STALLED_S)
        self._thread.join(STALLED_S)
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while (job := self._queue.get(timeout=STALLED_S)) is not _END:
            if self._failure is None:
                try:
                    job()
                except BaseException as failure:  # handed to the thread that renders
                    self._failure = failure


def _drain(items: queue.Queue[Any]) -> None:
    while True:
        try:
            items.get_nowait()
        except queue.Empty:
            return
