"""Two passes over a video: one for the landmarks, one for what happens in the pictures between them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.likeness import blinks, identity, series, stillness
from bench.likeness.clip import Picture, read_frames
from bench.likeness.landmarks import Tracker

SHORTEST_STEP_S = 0.0325
"""Pictures closer than this are passed over, so that 50 and 60 frames a second are compared as 25 and 30."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Landmarks of a whole video."""

    times_s: series.Series
    track: series.Track
    size: tuple[int, int]
    """Height and width of the pictures."""

    @property
    def found(self) -> stillness.Mask:
        """Whether each frame has a face."""
        return np.asarray(np.isfinite(self.track[:, 0, 0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """What the second pass saw."""

    squared_changes: series.Series
    mouth_times_s: series.Series
    mouth_changes: series.Series
    face_times_s: series.Series
    """Times of the pictures with a face that the next three are of."""
    lips: series.Series
    """RGB, shape ``(pictures, 3)``."""
    cheeks: series.Series
    eyes: NDArray[np.float32]
    """Grey eye boxes, shape ``(pictures, 2, 34, 48)``."""
    embeddings: list[identity.Embedding]


def find_face_track(video: Path) -> Face:
    """First pass: landmarks of every frame, NaN where no face is seen."""
    tracker = Tracker()
    times, track = [], []
    size = (0, 0)
    for frame in read_frames(video):
        points = tracker.locate(frame.picture)
        times.append(frame.time_s)
        track.append(np.full((68, 2), np.nan) if points is None else points)
        size = (frame.picture.shape[0], frame.picture.shape[1])
    return Face(times_s=np.array(times), track=np.array(track), size=size)


class _Watcher:
    """Second pass: keeps one picture and one mouth box, and notes what changed since."""

    def __init__(self, face: Face) -> None:
        self._smooth = series.smoothed(face.track)
        self._track = face.track
        self._mask = stillness.background_mask(face.track, face.size)
        self._shape = stillness.face_shape(face.track) if face.found.any() else np.zeros((68, 2))
        self._samples = set(identity.sampled(face.found))
        self._last: Picture | None = None
        self._last_s = -np.inf
        self._patch: NDArray[np.float32] | None = None
        self.squared: list[float] = []
        self.mouth: list[tuple[float, float]] = []
        self.faces: list[tuple[float, series.Series, series.Series, NDArray[np.float32]]] = []
        self.embeddings: list[identity.Embedding] = []

    def see(self, index: int, time_s: float, picture: Picture) -> None:
        if index in self._samples:
            self.embeddings.append(identity.embed(picture, self._track[index]))
        if time_s - self._last_s < SHORTEST_STEP_S:
            return
        if self._mask is not None and self._last is not None:
            self.squared.append(stillness.squared_change(picture, self._last, self._mask))
        known = bool(np.isfinite(self._track[index]).all())
        patch = stillness.mouth_patch(picture, self._smooth[index], self._shape) if known else None
        if patch is not None and self._patch is not None:
            change = float(np.abs(patch - self._patch).mean() * series.FRAME_S / (time_s - self._last_s))
            self.mouth.append(((time_s + self._last_s) / 2, change))
        if known:
            calm = self._smooth[index]
            lips = stillness.lip_colour(picture, self._track[index])
            eyes = blinks.eye_patches(picture, calm, self._shape)
            self.faces.append((time_s, lips, stillness.cheek_colour(picture, calm), eyes))
        self._last, self._last_s, self._patch = picture, time_s, patch


def watch_pictures(video: Path, face: Face) -> Pictures:
    """Second pass: changes of the background and of the mouth box, colours, embeddings of sampled faces."""
    watcher = _Watcher(face)
    for index, frame in enumerate(read_frames(video)):
        watcher.see(index, frame.time_s, frame.picture)
    return Pictures(
        squared_changes=np.array(watcher.squared),
        mouth_times_s=np.array([time for time, _ in watcher.mouth]),
        mouth_changes=np.array([change for _, change in watcher.mouth]),
        face_times_s=np.array([time for time, _, _, _ in watcher.faces]),
        lips=np.array([lips for _, lips, _, _ in watcher.faces]).reshape(-1, 3),
        cheeks=np.array([cheeks for _, _, cheeks, _ in watcher.faces]).reshape(-1, 3),
        eyes=np.array([eyes for _, _, _, eyes in watcher.faces], np.float32).reshape(-1, 2, *blinks.EYE_PX[::-1]),
        embeddings=watcher.embeddings,
    )
