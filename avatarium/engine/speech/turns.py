"""Who speaks when: local voices of ten seconds, made one by CAM++ (after Bredin, "pyannote.audio 2.1", 2023).

A network tells for every 17 ms which of up to three voices of a window speak, two at once at most. Each of them is
heard where it speaks alone; vectors that are alike are one person (average linkage of cosines). What the windows say
of a moment is then added up for each person.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from avatarium.engine.assets import default_store
from avatarium.engine.speech.identity import Vector, embed, unit
from avatarium.engine.speech.models.sessions import open_session
from avatarium.engine.speech.records import Samples
from avatarium.engine.video.sound_tape import Tape

RATE = 16_000
WINDOW_S = 10.0
STEP_S = 2.5
FRAME_S = 270 / RATE
"""What one answer of the network stands for: 10 x 3 x 3 x 3 samples."""
_FIRST_S = 0.031
"""Middle of what its first answer has heard."""
_PADDED = (WINDOW_S - STEP_S) / 2

APART = 0.62
"""Distance (one less the cosine) from which two groups of vectors are two people."""
_CLEAR_S = 1.5
"""Speech of one voice alone from which its vector may found a person."""
_HEARD_S = 0.6
"""And from which it may be given to one."""
_ALIKE = 0.3
"""Likeness above which two runs of one voice of a window are left to it."""
_PIECE_S = 2.5
"""Of a long run, what is compared with the rest of it."""
_PAUSE_S = 0.2
"""What parts runs."""
_PERSON_S = 3.0
"""Speech alone, all windows together, below which nobody is a person of their own beside others."""
_HEARD_BY = 0.5
"""Share of the windows that makes a moment somebody's."""
_MOST_VECTORS = 4000
"""Vectors that are compared with each other; of more, every so many-th."""

_SETS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], bool)
"""Which voices each class of the network stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Who speaks at every moment, people in the order in which they first speak."""

    activity: NDArray[np.float32]
    """Share of the windows that hear a person, shape ``(frames, people)``, one frame each :data:`FRAME_S`."""

    @property
    def people(self) -> int:
        """How many there are; 0 where nobody speaks."""
        return self.activity.shape[1]

    def speaker(self, start_s: float, end_s: float) -> int | None:
        """Who speaks most between two times; None where nobody was heard."""
        first = max(0, int(start_s / FRAME_S))
        heard = self.activity[first : max(first + 1, int(np.ceil(end_s / FRAME_S)))].sum(axis=0)
        return int(heard.argmax()) if len(heard) and heard.max() > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Local:
    """One voice of one window."""

    window: int
    active: NDArray[np.bool_]
    """Frames of the window in which it speaks."""
    alone_s: float
    vector: Vector | None


def find_turns(
    tape: Tape, *, people: int | None = None, threads: int = 2, progress: Callable[[float], None] | None = None
) -> Turns:
    """Tell apart who speaks in a recording at 16 kHz; about 0.15 s of CPU for a second of sound.

    Args:
        tape: the recording.
        people: how many there are, where it is known.
        threads: of the CPU.
        progress: is told the share that is done.
    """
    starts = np.arange(0.0, max(tape.duration_s - _PADDED, STEP_S), STEP_S) - _PADDED
    voices: list[_Local] = []
    for index, start_s in enumerate(starts):
        voices += _listen(tape, index, float(start_s), threads)
        if progress:
            progress((index + 1) / len(starts))
    labels = _people([voice for voice in voices if voice.vector is not None], people)
    return _added_up(voices, labels, starts, tape.duration_s)


def _listen(tape: Tape, index: int, start_s: float, threads: int) -> Iterator[_Local]:
    sound = tape.read(start_s, start_s + WINDOW_S)
    before = round(max(0.0, -start_s) * RATE)
    size = round(WINDOW_S * RATE)
    if before + len(sound) < size or before:
        sound = np.pad(sound, (before, size))[:size]
    logits = _session(threads).run(None, {"samples": sound[None, None]})[0][0]
    active = _SETS[logits.argmax(axis=1)]
    alone = active & (active.sum(axis=1, keepdims=True) == 1)
    for voice in range(active.shape[1]):
        for own in _told_apart(sound, active[:, voice], alone[:, voice], threads):
            yield replace(own, window=index)


def _told_apart(sound: Samples, active: NDArray[np.bool_], alone: NDArray[np.bool_], threads: int) -> Iterator[_Local]:
    """One voice of a window, or several where what it says in turn is not alike: the network takes two for one at
    times, where the one begins when the other has ended."""
    groups: list[tuple[Vector, NDArray[np.bool_]]] = []
    short = active.copy()
    for first, last in _pieces(active):
        part = np.zeros_like(active)
        part[first:last] = active[first:last]
        if float((part & alone).sum()) * FRAME_S < _CLEAR_S:
            continue
        short &= ~part
        vector = _vector(sound, part & alone, threads)
        like = next((i for i, (known, _) in enumerate(groups) if float(known @ vector) > _ALIKE), None)
        if like is None:
            groups.append((vector, part))
        else:
            known, there = groups[like]
            weights = float((there & alone).sum()), float((part & alone).sum())
            groups[like] = (unit(weights[0] * known + weights[1] * vector), there | part)
    if not groups:
        return (yield from _scrap(sound, active, alone, threads))
    for first, last in _runs(short):
        nearest = min(range(len(groups)), key=lambda i: _distance(groups[i][1], first, last))
        groups[nearest][1][first:last] |= short[first:last]
    for vector, part in groups:
        yield _Local(window=0, active=part, alone_s=float((part & alone).sum()) * FRAME_S, vector=vector)


def _scrap(sound: Samples, active: NDArray[np.bool_], alone: NDArray[np.bool_], threads: int) -> Iterator[_Local]:
    alone_s = float(alone.sum()) * FRAME_S
    if active.any():
        vector = _vector(sound, alone, threads) if alone_s >= _HEARD_S else None
        yield _Local(window=0, active=active, alone_s=alone_s, vector=vector)


def _runs(active: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last (exclusive) frame of what is said without a pause."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]]))).reshape(-1, 2)
    runs: list[tuple[int, int]] = []
    for first, last in edges.tolist():
        if runs and (first - runs[-1][1]) * FRAME_S < _PAUSE_S:
            runs[-1] = (runs[-1][0], last)
        else:
            runs.append((first, last))
    return runs


def _pieces(active: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Runs, long ones in equal parts: two voices may follow each other without a pause."""
    for first, last in _runs(active):
        count = max(1, round((last - first) * FRAME_S / _PIECE_S))
        edges = np.linspace(first, last, count + 1).round().astype(int).tolist()
        yield from pairwise(edges)


def _distance(part: NDArray[np.bool_], first: int, last: int) -> int:
    there = np.flatnonzero(part)
    return int(np.minimum(np.abs(there - first), np.abs(there - last)).min())


def _vector(sound: Samples, frames: NDArray[np.bool_], threads: int) -> Vector:
    size = round(FRAME_S * RATE)
    mask = np.zeros(len(sound), bool)
    spread = np.repeat(frames, size)[: len(sound)]
    first = round((_FIRST_S - FRAME_S / 2) * RATE)
    mask[first : first + len(spread)] = spread[: len(sound) - first]
    kept = sound[mask]
    return embed(kept if kept.any() else kept + np.float32(1e-6), RATE, threads=threads)


def _people(voices: Sequence[_Local], wanted: int | None) -> list[tuple[Vector, float]]:
    """The vector of each person, with the seconds that it was heard in."""
    clear = [voice for voice in voices if voice.alone_s >= _CLEAR_S] or list(voices)
    clear = clear[:: len(clear) // _MOST_VECTORS + 1]
    if not clear:
        return []
    vectors = np.stack([voice.vector for voice in clear if voice.vector is not None])
    seconds = np.array([voice.alone_s for voice in clear])
    groups = _grouped(vectors, wanted)
    found = [
        (unit((vectors[groups == group] * seconds[groups == group, None]).sum(axis=0)), seconds[groups == group].sum())
        for group in np.unique(groups)
    ]
    heard = WINDOW_S / STEP_S
    kept = [person for person in found if wanted or person[1] >= _PERSON_S * heard]
    return [(vector, float(total)) for vector, total in kept or [max(found, key=lambda person: person[1])]]


def _grouped(vectors: NDArray[np.float32], wanted: int | None) -> NDArray[np.int32]:
    if len(vectors) == 1:
        return np.ones(1, np.int32)
    tree = linkage(vectors.astype(np.float64), method="average", metric="cosine")
    tree[:, 2] = np.maximum.accumulate(np.maximum(tree[:, 2], 0.0))
    groups: NDArray[np.int32] = (
        fcluster(tree, wanted, criterion="maxclust") if wanted else fcluster(tree, APART, criterion="distance")
    )
    return groups


def _added_up(
    voices: Sequence[_Local], people: Sequence[tuple[Vector, float]], starts: NDArray[np.float64], length_s: float
) -> Turns:
    frames = int(np.ceil(length_s / FRAME_S)) + 1
    heard = np.zeros((frames, len(people)), np.float32)
    asked = np.zeros((frames, 1), np.float32)
    if not people:
        return Turns(activity=heard)
    centres = np.stack([vector for vector, _ in people])
    width = len(voices[0].active)
    for start_s in starts:
        _add(asked[:, 0], np.ones(width, bool), float(start_s))
    for window, group in itertools.groupby(voices, key=lambda voice: voice.window):
        _add_window(heard, tuple(group), centres, float(starts[window]))
    activity = heard / np.maximum(asked, 1.0)
    order = _first_spoken(activity)
    return Turns(activity=activity[:, order])


def _add_window(
    heard: NDArray[np.float32], voices: Sequence[_Local], centres: NDArray[np.float32], start_s: float
) -> None:
    """Give every voice of a window to the person that it is most like, clearest voices first, each person once."""
    free = set(range(len(centres)))
    for voice in sorted(voices, key=lambda voice: -voice.alone_s):
        if voice.vector is None:
            continue
        likeness = centres @ voice.vector
        best = int(likeness.argmax())
        if best not in free and free:
            second = max(free, key=lambda person: float(likeness[person]))
            best = second if likeness[second] > 1.0 - APART else best
        free.discard(best)
        _add(heard[:, best], voice.active, start_s)


def _add(row: NDArray[np.float32], active: NDArray[np.bool_], start_s: float) -> None:
    at = round((start_s + _FIRST_S) / FRAME_S)
    first, last = max(0, at), min(len(row), at + len(active))
    if last > first:
        row[first:last] += active[first - at : last - at]


def _first_spoken(activity: NDArray[np.float32]) -> list[int]:
    """People in the order in which most windows first hear them; those whom no moment belongs to come out of it."""
    leading = activity.argmax(axis=1)[activity.max(axis=1) >= _HEARD_BY]
    order: list[int] = list(dict.fromkeys(int(person) for person in leading))
    return order or list(range(activity.shape[1]))


@functools.cache
def _session(threads: int) -> onnxruntime.InferenceSession:
    return open_session(default_store().path("speakers") / "segmentation.onnx", threads=threads)
