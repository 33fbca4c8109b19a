"""Whom a clip is about: the face that is large most of the time, or the one that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.landmarks import find_boxes, mesh_of
from avatarium.engine.face.video.films import frames_in_order, plain_frames, to_rgb
from avatarium.engine.face.video.following import SAME_PERSON
from avatarium.engine.face.video.likeness import Look
from avatarium.engine.face.video.tracking import TWIN_FPS, Track, nobody, track_face
from avatarium.errors import FaceError

Image = NDArray[np.uint8]

SAMPLES = 12
_FACES = 4
"""The largest of a frame; the rest is a crowd."""
_MIXED = 0.3


@dataclass(slots=True)
class _Person:
    look: Look
    size: float
    """Summed areas of the face over all samples, in pixels."""


def track_clip(path: Path, frames: int, *, number: int = 1, progress: Callable[[int], None] | None = None) -> Track:
    """Choose whom a clip is about, then follow that face through all of it.

    Args:
        path: a clip as ``take_clip`` makes it.
        frames: how many it has.
        number: 1 for the person whose face is the largest over the whole clip, 2 for the next.
        progress: told how many frames are done.

    Raises:
        FaceError: ``no_face``.
    """
    look = choose_person(_samples(path, frames), number=number)
    return track_face(plain_frames(path), number=number, look=look, progress=progress)


def choose_person(samples: Iterable[Image], *, number: int = 1) -> Look | None:
    """How the person looks who is the largest in a few frames of a clip, RGB; None if no face is in them.

    Raises:
        FaceError: ``no_face``: faces are there, but not so many people.
    """
    people: list[_Person] = []
    for frame in samples:
        for look, size in _looks(frame):
            _enter(people, look, size)
    if not people:
        return None
    ranked = sorted(people, key=lambda person: -person.size)
    if number > len(ranked):
        raise nobody(number, len(ranked))
    return ranked[number - 1].look


def _looks(frame: Image) -> Iterator[tuple[Look, float]]:
    for box in find_boxes(frame)[:_FACES]:
        try:
            yield Look.of(frame, mesh_of(frame, box)), box.side**2
        except FaceError:
            continue


def _enter(people: list[_Person], look: Look, size: float) -> None:
    nearest = min(people, key=lambda person: person.look.distance(look), default=None)
    if nearest is None or nearest.look.distance(look) >= SAME_PERSON:
        people.append(_Person(look=look, size=size))
        return
    nearest.look = nearest.look.mixed(look, _MIXED)
    nearest.size += size


def _samples(path: Path, frames: int) -> Iterator[Image]:
    """Frames at whole seconds, which are key frames, spread over the clip."""
    seconds = np.unique(np.linspace(0, max(0, frames - 1) // TWIN_FPS, SAMPLES).astype(int))
    for frame in frames_in_order(path, (seconds * TWIN_FPS).astype(np.int32)):
        yield to_rgb(frame)
