"""The rig does what a pose says, on the average face and on odd ones."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.expression import fields
from avatarium.engine.face.frame import FaceFrame
from avatarium.engine.face.pose import FEELINGS, Emotion, Mouth, Pose
from avatarium.engine.face.rig import Rig, rotation

Points = NDArray[np.float64]


def mouth(**controls: float) -> Pose:
    values = np.zeros(len(Mouth), np.float32)
    for name, value in controls.items():
        values[Mouth[name.upper()]] = value
    return Pose(mouth=values)


def gap(local: Points) -> float:
    return float(local[mesh.LIP_LOWER_INNER, 1] - local[mesh.LIP_UPPER_INNER, 1])


def width(local: Points) -> float:
    return float(local[mesh.MOUTH_RIGHT, 0] - local[mesh.MOUTH_LEFT, 0])


@pytest.mark.parametrize("opening", [0.0, 0.03, 0.1, 0.175])
def test_lips_part_exactly_as_far_as_asked(face: Points, opening: float) -> None:
    assert gap(Rig(face).shape(mouth(open=opening))) == pytest.approx(opening, abs=1e-6)


def test_an_open_photo_can_shut_its_mouth(face: Points) -> None:
    opened = FaceFrame.of(face)
    local = opened.to_local(face)
    arc = 1 - np.linspace(-1, 1, 11) ** 2
    local[list(mesh.LIP_INNER_UPPER), 1] -= 0.06 * arc
    local[list(mesh.LIP_INNER_LOWER), 1] += 0.08 * arc
    rig = Rig(opened.to_picture(local))
    assert rig.resting.is_open
    shut = rig.shape(mouth())
    upper, lower = shut[list(mesh.LIP_INNER_UPPER)], shut[list(mesh.LIP_INNER_LOWER)]
    assert np.abs(upper[:, 1] - lower[:, 1]).max() < 1e-6
    assert np.abs(upper[:, 0] - lower[:, 0]).max() < 1e-6
    assert np.abs(np.diff(upper[:, 1], 3)).max() < 0.01, "the line of the shut lips has a notch"


def test_lip_rows_never_cross_however_hard_they_press(face: Points) -> None:
    for pose in (mouth(open=-0.012), mouth(tuck=0.012, open=0.03), mouth(open=0.175, up=-0.036), mouth(width=-0.095)):
        local = Rig(face).shape(pose)
        rows = [*mesh.LIP_RINGS_UPPER, mesh.LIP_INNER_UPPER, mesh.LIP_INNER_LOWER, *mesh.LIP_RINGS_LOWER[::-1]]
        middle = [local[row[5], 1] for row in rows]
        assert (np.diff(middle) >= -1e-6).all()


def test_rounding_narrows_and_spreading_widens(face: Points) -> None:
    rig = Rig(face)
    rest = width(rig.shape(Pose()))
    assert width(rig.shape(mouth(width=-0.08))) < rest - 0.05
    assert width(rig.shape(mouth(width=0.07))) > rest + 0.04


def test_the_jaw_takes_chin_and_lower_lip_along_but_not_the_nose(face: Points) -> None:
    rig = Rig(face)
    moved = rig.shape(mouth(open=0.175, chin=0.085)) - rig.shape(Pose())
    assert moved[mesh.CHIN, 1] > 0.05
    assert np.abs(moved[list(mesh.NOSE_BASE)]).max() < 0.03
    assert np.abs(moved[list(mesh.STABLE)]).max() < 0.03


def test_lids_shut_fully_and_only_lids(face: Points) -> None:
    rig = Rig(face)
    shut = rig.shape(Pose(blink=1.0))
    for eye in mesh.EYES:
        upper, lower = list(eye.upper[1:-1]), list(eye.lower[1:-1])
        assert np.abs(shut[upper] - shut[lower]).max() < 1e-9
        assert np.allclose(shut[[eye.upper[0], eye.upper[-1]]], rig.shape(Pose())[[eye.upper[0], eye.upper[-1]]])
    assert np.allclose(shut[mesh.CHIN], rig.shape(Pose())[mesh.CHIN])


def test_movement_is_symmetric(face: Points) -> None:
    local = Rig(face).shape(mouth(open=0.12, width=0.04, chin=0.05, up=-0.03))
    left, right = local[mesh.MOUTH_LEFT], local[mesh.MOUTH_RIGHT]
    assert left[0] == pytest.approx(-right[0], abs=0.01)
    assert left[1] == pytest.approx(right[1], abs=0.01)


@pytest.mark.parametrize(
    ("emotion", "vertex", "down"),
    [
        (Emotion.HAPPY, mesh.MOUTH_LEFT, -1),
        (Emotion.SAD, mesh.MOUTH_LEFT, 1),
        (Emotion.SAD, 107, -1),
        (Emotion.SERIOUS, 107, 1),
        (Emotion.SURPRISED, 105, -1),
    ],
)
def test_feelings_pull_where_faces_do(emotion: Emotion, vertex: int, down: int) -> None:
    field = fields().feelings[FEELINGS.index(emotion)]
    assert field[vertex, 1] * down > 0.02
    assert np.abs(field[list(mesh.NOSE_BASE)]).max() == 0


def test_head_turns_are_rotations_and_positive_yaw_turns_the_nose_left() -> None:
    turn = rotation(0.2, 0.1, -0.15)
    assert np.allclose(turn @ turn.T, np.eye(3))
    nose = np.array([0.0, 0.0, -1.0])
    assert (rotation(0.1, 0, 0) @ nose)[0] < 0
    assert (rotation(0, 0.1, 0) @ nose)[1] > 0


def test_face_coordinates_come_back(face: Points) -> None:
    turned = (face - face.mean(0)) @ rotation(0.3, 0.2, 0.4).T + [400, 300, 0]
    frame = FaceFrame.of(turned)
    assert np.allclose(frame.to_picture(frame.to_local(turned)), turned)
    assert frame.roll_deg == pytest.approx(np.degrees(0.4), abs=8)
