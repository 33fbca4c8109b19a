"""A face of known pose and mouth is measured as what it is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import FaceFrame
from avatarium.engine.face.pose import Mouth
from avatarium.engine.face.rig import rotation
from avatarium.engine.face.video.measures import Measures, measure
from avatarium.engine.face.video.tracking import Track

Points = NDArray[np.float64]
FRAMES = 60
YAWS = np.radians(np.linspace(-25, 25, FRAMES))
OPENINGS = np.clip(0.12 * np.sin(np.arange(FRAMES) / 4), 0, None) + 0.004
SCALES = np.linspace(0.8, 1.2, FRAMES)


def opened(local: Points, gap: float) -> Points:
    """The face with its lips ``gap`` IOD apart, the jaw a little lower."""
    face = local.copy()
    now = face[mesh.LIP_LOWER_INNER, 1] - face[mesh.LIP_UPPER_INNER, 1]
    for row in (*mesh.LIP_RINGS_LOWER, mesh.LIP_INNER_LOWER):
        face[list(row[1:-1]), 1] += gap - now
    face[mesh.CHIN, 1] += 0.5 * gap
    return face


def track_of(points: Points, seen: NDArray[np.bool_] | None = None) -> Track:
    count = len(points)
    iris = np.zeros((count, 10, 3))
    return Track(
        points=np.concatenate([points, iris], axis=1).astype(np.float32),
        seen=np.ones(count, bool) if seen is None else seen,
        others=np.zeros(count, np.int16),
        cuts=(),
        width=512,
        height=512,
    )


@pytest.fixture(scope="module")
def points(face: Points) -> Points:
    local = FaceFrame.of(face).to_local(face)
    shown = [
        150 * scale * opened(local, gap) @ rotation(yaw, 0.1, 0.05).T + [256 + n, 200, 0]
        for n, (yaw, gap, scale) in enumerate(zip(YAWS, OPENINGS, SCALES, strict=True))
    ]
    return np.stack(shown)


@pytest.fixture(scope="module")
def measures(points: Points) -> Measures:
    return measure(track_of(points))


def test_turned_and_sized_back_it_is_the_same_face_in_every_frame(measures: Measures) -> None:
    stable = measures.local[:, mesh.STABLE]
    assert np.ptp(stable, axis=0).max() < 0.002
    eyes = measures.local[:, [mesh.EYE_OUTER_LEFT, mesh.EYE_OUTER_RIGHT]]
    assert np.allclose(np.linalg.norm(eyes[:, 1] - eyes[:, 0], axis=1), 1, atol=0.002)
    assert np.abs(eyes.mean(1)).max() < 0.002


def test_placing_gives_the_tracked_pixels_back(measures: Measures, points: Points) -> None:
    for frame in (0, 17, FRAMES - 1):
        placing, local = measures.placing, measures.local[frame]
        pixels = placing.scale[frame] * local @ placing.turn[frame].T + placing.shift[frame]
        assert np.abs(pixels - points[frame]).max() < 0.01


def test_the_gap_between_the_lips_is_told_in_eye_distances_whatever_the_pose(measures: Measures) -> None:
    assert np.abs(measures.controls[:, Mouth.OPEN] - OPENINGS).max() < 0.003


def test_the_chin_follows_and_the_upper_lip_rests(measures: Measures) -> None:
    lowered = measures.controls[:, Mouth.CHIN] - measures.controls[:, Mouth.CHIN].min()
    assert np.abs(lowered - 0.5 * (OPENINGS - OPENINGS.min())).max() < 0.003
    assert np.abs(measures.controls[:, Mouth.UP]).max() < 0.003
    assert not measures.controls[:, [Mouth.TUCK, Mouth.TONGUE]].any()


def test_the_pose_has_the_signs_and_the_size_of_the_face_frame(measures: Measures, points: Points) -> None:
    for told, mesh_points in zip(measures.pose[::10], points[::10], strict=True):
        frame = FaceFrame.of(mesh_points)
        known = np.radians([frame.yaw_deg, frame.pitch_deg, frame.roll_deg])
        assert np.abs(told - known).max() < np.radians(1)
    assert np.ptp(measures.pose[:, 0]) == pytest.approx(np.ptp(YAWS), abs=0.01)


def test_lips_that_never_met_are_together_in_the_neutral_face(face: Points) -> None:
    local = FaceFrame.of(face).to_local(face)
    ajar = np.stack([150 * opened(local, 0.05 + 0.1 * (n % 5)) + [256, 200, 0] for n in range(40)])
    neutral = measure(track_of(ajar)).neutral
    gaps = neutral[list(mesh.LIP_INNER_LOWER), 1] - neutral[list(mesh.LIP_INNER_UPPER), 1]
    assert np.abs(gaps).max() < 0.012


def test_frames_without_a_face_do_not_change_what_is_usual(points: Points) -> None:
    seen = np.ones(FRAMES, bool)
    seen[20:30] = False
    disturbed = points.copy()
    disturbed[20:30] = disturbed[19] * 3
    whole, part = measure(track_of(points[seen])), measure(track_of(disturbed, seen))
    assert np.abs(whole.neutral - part.neutral).max() < 1e-4
    assert part.iod == pytest.approx(whole.iod)
