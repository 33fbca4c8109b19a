"""Whether a clip can become a twin; if not, the sentence that says why."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.video.loop import SHORTEST_S
from avatarium.engine.face.video.measures import Measures
from avatarium.engine.face.video.skin import FOREHEAD, LIPS, LOWER
from avatarium.engine.face.video.tracking import TWIN_FPS, Track
from avatarium.engine.face.video.visibility import MOSTLY, mouth_inside, turned_away
from avatarium.errors import FaceError, InputError

Float32 = NDArray[np.float32]

LEAST_SEEN = 0.7
LEAST_IOD = 36.0
"""Pixels; below, a mouth is twenty pixels wide."""
_MOST_HIDDEN = 0.5
_STILL_GREY, _STILL_FACE = 0.12, 0.003
"""Levels of grey from frame to frame, and IOD that the face wanders: less is a picture that stands still."""
_MASK_LIPS, _MASK_SKIN, _MASK_ROUGH = 4.5, 12.0, 1.5
"""In Lab: a mask has no lips, and its colour is not that of the forehead."""


def refuse_unseen(track: Track) -> None:
    """Refuse a track in which the face is seen too seldom, or only in snippets.

    Raises:
        FaceError: ``face_lost``.
        InputError: ``too_many_cuts``.
    """
    share = float(track.seen.mean())
    if share < LEAST_SEEN:
        raise FaceError(
            f"The face is seen in only {share:.0%} of the video, and {LEAST_SEEN:.0%} are needed. "
            "Use a part in which the person stays in the picture and looks towards the camera.",
            code="face_lost",
        )
    longest = max(shot.stop - shot.start for shot in track.shots)
    if track.cuts and longest < SHORTEST_S * TWIN_FPS:
        raise InputError(
            f"The video is cut too often: no shot is longer than {longest / TWIN_FPS:.1f} seconds, and "
            f"{SHORTEST_S:.0f} are needed. Use one uncut take.",
            code="too_many_cuts",
        )


def refuse_unusable(track: Track, measures: Measures) -> None:
    """Refuse a face that is too small, turned away or cut off by the picture's edge.

    Raises:
        FaceError: ``face_too_small``, ``face_turned_away``, ``face_cut_off``.
    """
    if measures.iod < LEAST_IOD:
        raise FaceError(
            f"The face is too small: its eyes span {measures.iod:.0f} pixels and {LEAST_IOD:.0f} are needed. "
            "Film from closer, or use a video of higher resolution.",
            code="face_too_small",
        )
    away = turned_away(track)[track.seen]
    if away.mean() > _MOST_HIDDEN:
        raise FaceError(
            f"The face is turned away from the camera in {away.mean():.0%} of the video. "
            "Film from the front, so that both eyes and the whole mouth are seen.",
            code="face_turned_away",
        )

    if (~mouth_inside(track)[track.seen]).mean() > _MOST_HIDDEN:
        raise FaceError(
            "The face is cut off by the edge of the picture. Film so that eyes, mouth and chin are always whole.",
            code="face_cut_off",
        )


def refuse_hidden(track: Track, shown: Float32, usual: Float32) -> None:
    """Refuse a mouth that is hidden most of the time, or by a mask all the time.

    Args:
        track: of the clip.
        shown: how free the mouth is.
        usual: colours at the face's vertices, of :meth:`MouthWatch.usual`.

    Raises:
        FaceError: ``mouth_hidden``.
    """
    hidden = float((shown[track.seen] < MOSTLY).mean())
    if hidden > _MOST_HIDDEN or masked(usual):
        part = "a mask or cloth" if masked(usual) else f"something in {hidden:.0%} of the video"
        raise FaceError(
            f"The mouth is hidden by {part}. Film with the whole mouth free: no mask, hand or microphone before it.",
            code="mouth_hidden",
        )


def masked(usual: Float32) -> bool:
    """Whether the colours of a face say that a mask lies over its mouth: no lips, and no skin round them."""
    lips, lower = usual[: len(LIPS)], usual[len(LIPS) : len(LOWER)]
    upper = usual[len(LOWER) : len(LOWER) + len(FOREHEAD)]
    no_lips = np.linalg.norm(lips[:, 1:3].mean(0) - np.median(lower[:, 1:3], axis=0)) < _MASK_LIPS
    no_skin = np.linalg.norm(np.median(lower[:, 1:3], axis=0) - np.median(upper[:, 1:3], axis=0)) > _MASK_SKIN
    smooth = lips[:, 3].mean() < _MASK_ROUGH * max(float(np.median(lower[:, 3])), 0.5)
    return bool(no_lips and no_skin and smooth)


def refuse_still(track: Track, measures: Measures, appearance: NDArray[np.uint8]) -> None:
    """Refuse a picture that stands still.

    Raises:
        InputError: ``picture_stands_still``.
    """
    if len(track) < 2:
        moved = 0.0
    else:
        steps = np.abs(np.diff(appearance[:: max(1, len(appearance) // 200)].astype(np.int16), axis=0))
        moved = float(np.percentile(steps.mean((1, 2)), 90))
    wander = float(np.ptp(np.percentile(measures.placing.shift[track.seen, :2], [5, 95], axis=0), axis=0).max())
    if moved < _STILL_GREY and wander < _STILL_FACE * measures.iod:
        raise InputError(
            "Nothing moves in the video: it is a picture that stands still. "
            "Use a video of a living person, or make an avatar from the photo.",
            code="picture_stands_still",
        )
