"""The inside of a mouth: teeth, tongue and dark stand between the lips, and turn with the head."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import FaceFrame
from avatarium.engine.face.look import read_look
from avatarium.engine.face.mouth import Look, Placed, paint_mouth, paint_seam, placed_mouth, stomion
from avatarium.engine.face.pose import Mouth, Pose
from avatarium.engine.face.rig import Rig, rotation
from avatarium.engine.face.teeth import BOTTOM, TOP, draw_teeth

Image = NDArray[np.uint8]
Points = NDArray[np.float64]

SKIN = (205, 160, 135)
WHITE = np.array([230.0, 220.0, 205.0])


def skin() -> Image:
    return np.full((512, 512, 3), SKIN, np.uint8)


@pytest.fixture(scope="module")
def look(face: Points) -> Look:
    return read_look(skin(), face, FaceFrame.of(face))


def place(face: Points, turn: NDArray[np.float64] | None = None, **controls: float) -> Placed:
    """A mouth of the average face under a turn of the head."""
    values = np.zeros(len(Mouth), np.float32)
    for name, value in controls.items():
        values[Mouth[name.upper()]] = value
    rig, frame = Rig(face), FaceFrame.of(face)
    turn = np.eye(3) if turn is None else turn
    rest = frame.to_local(face)
    anchor = frame.to_picture(stomion(rest)[None])[0]
    pivot = anchor + [0, 0, 0.6 * frame.scale]
    origin = (turn @ (anchor - pivot) + pivot)[:2].astype(np.float32)
    axes = ((frame.axes @ turn.T)[:, :2] * frame.scale).astype(np.float32)
    return placed_mouth(rig.shape(Pose(mouth=values)), rest, origin, axes, values[Mouth.TONGUE])


def hole(placed: Placed) -> NDArray[np.bool_]:
    """Where the lips part, by another painter."""
    lips = np.concatenate([placed.upper, placed.lower[::-1]]) @ placed.axes + placed.origin
    mask = np.zeros((512, 512), np.uint8)
    cv2.fillPoly(mask, [lips.round().astype(np.int32)], (255,))
    return np.asarray(mask > 0)


def test_nothing_is_painted_outside_the_lips_and_all_inside_is(face: Points, look: Look) -> None:
    placed, frame = place(face, open=0.15, chin=0.07), skin()
    paint_mouth(frame, placed, look)
    changed = (np.abs(frame.astype(int) - SKIN) > 12).any(-1)
    inside = hole(placed)
    wide, narrow = (
        np.asarray(f(inside.astype(np.uint8), np.ones((7, 7), np.uint8))) > 0 for f in (cv2.dilate, cv2.erode)
    )
    assert not (changed & ~wide).any()
    assert (changed | ~narrow).all()


def test_shut_lips_are_left_alone(face: Points, look: Look) -> None:
    frame = skin()
    paint_mouth(frame, place(face), look)
    assert np.array_equal(frame, skin())


def test_upper_teeth_are_the_brightest_and_the_middle_is_dark(face: Points, look: Look) -> None:
    placed, frame = place(face, open=0.17, chin=0.085, up=-0.03), skin()
    paint_mouth(frame, placed, look)
    column = frame[:, round(float(placed.origin[0])) + 6].astype(int).sum(-1)[hole(placed)[:, 256]]
    teeth, rest = column[: len(column) // 3], column[len(column) // 3 :]
    assert teeth.max() > 1.4 * rest.min()
    assert rest.min() < 0.5 * sum(SKIN)


def test_a_lifted_tongue_shows(face: Points, look: Look) -> None:
    low, high = skin(), skin()
    paint_mouth(low, place(face, open=0.12, chin=0.05), look)
    paint_mouth(high, place(face, open=0.12, chin=0.05, tongue=1.0), look)
    redder = (high[..., 0].astype(int) - low[..., 0]).sum()
    assert redder > 1000


def test_the_inside_of_a_mouth_stayed_bright_when_the_light_on_the_face_went_down(face: Points, look: Look) -> None:
    placed, usual, dim = place(face, open=0.17, chin=0.08), skin(), skin()
    paint_mouth(usual, placed, look)
    paint_mouth(dim, placed, look, np.array([0.5, 0.5, 0.8], np.float32))
    inside = np.asarray(cv2.erode(hole(placed).astype(np.uint8), np.ones((9, 9), np.uint8))) > 0
    ratio = dim[inside].astype(float).sum(0) / usual[inside].astype(float).sum(0)
    assert ratio == pytest.approx([0.5, 0.5, 0.8], abs=0.04)
    assert np.array_equal(dim[~hole(placed)][:1000], usual[~hole(placed)][:1000])


def test_teeth_lie_behind_the_lips_when_the_head_turns(face: Points, look: Look) -> None:
    """Turned to the left of the picture, what lies deeper moves to the right against the lips, and the other way."""
    shifts = []
    for yaw in (0.25, -0.25):
        placed = place(face, rotation(yaw, 0, 0), open=0.12, up=-0.03)
        shifts.append(float((np.linalg.inv(placed.axes[:2].T) @ placed.axes[2])[0]))
    assert shifts[0] > 0.1 and shifts[1] < -0.1


def test_the_seam_darkens_the_line_of_shut_lips_only(face: Points) -> None:
    placed, frame = place(face), skin()
    paint_seam(frame, placed, 0.55)
    rows, columns = np.nonzero((frame != skin()).any(-1))
    line = (placed.upper @ placed.axes + placed.origin)[:, 1]
    assert len(rows) > 40
    assert line.min() - 6 <= rows.min() and rows.max() <= line.max() + 6
    assert frame[..., 0].min() > 0.3 * SKIN[0]


def test_teeth_are_symmetric_separate_and_end_at_the_edge() -> None:
    teeth = draw_teeth(300, WHITE)
    upper = teeth.upper
    assert np.abs(upper - upper[:, ::-1]).max() < 8
    row = upper[round((-0.04 - TOP) / (BOTTOM - TOP) * len(upper))]
    light = row[:, :3].mean(1)[row[:, 3] > 0.5]
    gaps = (light[1:-1] < light[:-2]) & (light[1:-1] < light[2:])
    assert gaps.sum() >= 5, "single teeth cannot be told apart"
    assert upper[round((0.02 - TOP) / (BOTTOM - TOP) * len(upper)) :, :, 3].max() == 0


def test_lips_colours_and_light_are_read_off_the_photo(face: Points) -> None:
    dim, warm = (skin() * 0.4).astype(np.uint8), skin()
    for row in (*mesh.LIP_RINGS_UPPER, *mesh.LIP_RINGS_LOWER):
        for x, y in face[list(row), :2].astype(int):
            cv2.circle(warm, (int(x), int(y)), 4, (180, 60, 70), -1)
    frame = FaceFrame.of(face)
    assert read_look(dim, face, frame).light < 0.6 * read_look(warm, face, frame).light
    assert np.abs(read_look(warm, face, frame).lower_lip[3:8] - (180, 60, 70)).max() < 30
