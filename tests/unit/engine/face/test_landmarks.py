"""Faces that cannot speak are refused with the reason and what to do."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.frame import FaceFrame
from avatarium.engine.face.landmarks import Box, _distinct, _refuse_unusable
from avatarium.engine.face.rig import rotation
from avatarium.errors import FaceError

Points = NDArray[np.float64]

PICTURE = np.zeros((512, 512, 3), np.uint8)


def refusal(points: Points) -> str | None:
    """Code of the refusal of a mesh in a picture of 512 x 512."""
    try:
        _refuse_unusable(PICTURE, points, FaceFrame.of(points))
    except FaceError as error:
        assert error.message.endswith((".", "seen.", "whole."))
        return error.code
    return None


def turned(face: Points, yaw_deg: float = 0, pitch_deg: float = 0, roll_deg: float = 0) -> Points:
    middle = face.mean(0)
    turn = rotation(*np.radians([yaw_deg, pitch_deg, roll_deg]))
    moved: Points = (face - middle) @ turn.T + middle
    return moved


def test_a_frontal_face_is_taken_and_a_tilted_or_half_turned_one_too(face: Points) -> None:
    assert refusal(face) is None
    assert refusal(turned(face, roll_deg=30)) is None
    assert refusal(turned(face, yaw_deg=-30)) is None


@pytest.mark.parametrize(("yaw", "pitch"), [(60, 0), (-60, 0), (0, 60), (0, -70)])
def test_a_face_that_is_turned_away_is_refused(face: Points, yaw: float, pitch: float) -> None:
    assert refusal(turned(face, yaw, pitch)) == "face_turned_away"


def test_a_small_face_is_refused(face: Points) -> None:
    assert refusal((face - face.mean(0)) * 0.15 + 256) == "face_too_small"


@pytest.mark.parametrize("shift", [(0, 250), (-220, 0), (220, 0)])
def test_a_face_over_the_edge_is_refused_but_a_cut_forehead_is_not(face: Points, shift: tuple[int, int]) -> None:
    assert refusal(face + [*shift, 0]) == "face_cut_off"
    assert refusal(face - [0, 120, 0]) is None


def test_one_face_found_twice_counts_once() -> None:
    found = [Box(x=100, y=100, side=80, score=0.9), Box(x=110, y=95, side=70, score=0.8)]
    other = Box(x=300, y=100, side=60, score=0.7)
    assert _distinct([*found, other]) == [found[0], other]
