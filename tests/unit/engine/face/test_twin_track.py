"""Gaps are bridged, smoothing stops at cuts, and a kept track comes back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.video.cuts import Changes
from avatarium.engine.face.video.following import Sight
from avatarium.engine.face.video.tracking import LONGEST_BRIDGE, Track, _track, stretches
from avatarium.errors import InputError

Points = NDArray[np.float64]


class NoCuts(Changes):
    """Says what it was told to."""

    def __init__(self, *cuts: int) -> None:
        super().__init__()
        self._told = cuts

    def cuts(self, moved: NDArray[np.float32]) -> tuple[int, ...]:
        return self._told


def walking(face: Points, count: int, lost: range = range(0), pace: float = 2.0) -> list[Sight]:
    """Sights of a face that walks to the right and is lost for a while."""
    whole = np.concatenate([face, np.zeros((10, 3))])
    return [
        Sight(points=None if n in lost else whole + [pace * n, 0, 0], faces=0 if n in lost else 2) for n in range(count)
    ]


def tracked(sights: list[Sight], *cuts: int) -> Track:
    return _track(sights, NoCuts(*cuts), (640, 480))


def test_a_short_gap_is_walked_through(face: Points) -> None:
    track = tracked(walking(face, 60, range(20, 20 + LONGEST_BRIDGE)))
    assert track.seen.all()
    assert np.abs(track.points[:, 1, 0] - (face[1, 0] + 2.0 * np.arange(60))).max() < 0.01


def test_a_longer_gap_stays_and_holds_the_nearest_face(face: Points) -> None:
    track = tracked(walking(face, 60, range(20, 21 + LONGEST_BRIDGE)))
    assert stretches(~track.seen) == [(20, 21 + LONGEST_BRIDGE)]
    assert np.allclose(track.points[21], track.points[19], atol=0.01)
    assert np.isfinite(track.points).all()


def test_gaps_are_not_bridged_over_cuts(face: Points) -> None:
    assert not tracked(walking(face, 60, range(20, 26)), 23).seen[20:26].any()


def test_gaps_at_the_ends_stay(face: Points) -> None:
    track = tracked(walking(face, 60, range(0, 5)))
    assert stretches(track.seen) == [(5, 60)]


def test_smoothing_does_not_reach_over_a_cut(face: Points) -> None:
    sights = walking(face, 30, pace=0.0) + walking(face + [200, 0, 0], 30, pace=0.0)
    track = tracked(sights, 30)
    assert np.allclose(track.points[29, 1, 0], face[1, 0], atol=0.01)
    assert np.allclose(track.points[30, 1, 0], face[1, 0] + 200, atol=0.01)
    assert track.shots == (slice(0, 30), slice(30, 60))


def test_trembling_is_halved_and_a_blink_of_the_mouth_is_kept(face: Points) -> None:
    rng = np.random.default_rng(0)
    sights = walking(face, 100, pace=0.0)
    trembling = [
        Sight(points=s.points + rng.normal(0, 1, s.points.shape), faces=1) for s in sights if s.points is not None
    ]
    before = np.stack([s.points for s in trembling if s.points is not None])
    after = tracked(trembling).points
    assert np.diff(after, 2, axis=0).std() < 0.5 * np.diff(before, 2, axis=0).std()


def test_others_are_counted_without_the_person(face: Points) -> None:
    assert set(tracked(walking(face, 10)).others) == {1}


def test_a_kept_track_comes_back(face: Points, tmp_path: Path) -> None:
    track = tracked(walking(face, 60, range(30, 50)), 30)
    track.save(tmp_path / "track.npz")
    back = Track.load(tmp_path / "track.npz")
    assert np.abs(back.points - track.points).max() <= 1 / 128 + 1e-4
    assert (back.seen == track.seen).all() and (back.others == track.others).all()
    assert (back.cuts, back.width, back.height) == ((30,), 640, 480)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no archive", b"x" * 1000])
def test_a_damaged_track_is_refused(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "track.npz"
    path.write_bytes(damage)
    with pytest.raises(InputError) as refused:
        Track.load(path)
    assert refused.value.code == "track_unreadable"
