"""The bench's own instruments: what is right passes, and a sham fails."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from avatarium.engine.speech.records import Phoneme
from bench.likeness import sync
from bench.likeness.clip import Picture
from bench.likeness.landmarks import Points
from bench.twins.joint import joint_ratio, steps
from bench.twins.measure import Measured
from bench.twins.report import ROWS, Row, summary
from bench.twins.seam import Seam, outside_share, region, seam
from bench.twins.sheets import save_small, sheet
from tests.support.clip_making import encode, numbered

SIDE = 360


def landmarks() -> Points:
    """The points that the instruments use, on a face of 120 pixels from eye to eye."""
    points = np.full((68, 2), 180.0)
    points[36], points[45] = (120, 140), (240, 140)
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    points[48:60] = np.column_stack([180 + 38 * np.cos(angle), 225 + 16 * np.sin(angle)])
    points[:17] = np.column_stack(
        [180 - 80 * np.cos(np.linspace(0, np.pi, 17)), 140 + 150 * np.sin(np.linspace(0, np.pi, 17))]
    )
    return points


def skin() -> Picture:
    """Pores and soft shadows, like skin under a lamp."""
    rng = np.random.default_rng(4)
    grain = cv2.GaussianBlur(rng.normal(0, 22, (SIDE, SIDE)).astype(np.float32), (0, 0), 1.2)
    shade = 130 + 40 * np.sin(np.arange(SIDE) / 60)[:, None] + 20 * np.cos(np.arange(SIDE) / 45)[None]
    return np.repeat((shade + grain).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def soft(radius: float) -> NDArray[np.float32]:
    """1 on the mouth, falling to 0 over the skin about it."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    away = np.hypot((x - 180) / 2.2, y - 225)
    return np.asarray(np.clip((radius - away) / 16, 0, 1)[..., None], np.float32)


def blended(base: Picture, layer: NDArray[Any], weight: NDArray[np.float32]) -> Picture:
    return np.asarray((base * (1 - weight) + layer * weight).round().clip(0, 255), np.uint8)


def moved(base: Picture) -> NDArray[np.float32]:
    """The same skin, a little lower: what a jaw that opens shows."""
    return np.roll(base, 6, axis=0).astype(np.float32)


def judged(base: Picture, result: Picture) -> Seam:
    found = seam(base, result, landmarks(), landmarks())
    assert found is not None
    return found


def kept(name: str, value: float) -> bool:
    """Whether a row of the report lets a value pass."""
    row = next(row for row in ROWS if name in row.title)
    nothing = cast("Measured", SimpleNamespace())
    low, high = (bar(nothing) if bar else None for bar in (row.low, row.high))
    return (low is None or value >= low) and (high is None or value <= high)


def test_moved_skin_that_is_blended_softly_is_no_seam() -> None:
    base = skin()
    found = judged(base, blended(base, moved(base), soft(34)))
    assert kept("texture", found.texture) and kept("edges", found.edges)


def test_a_patch_with_a_hard_edge_is_a_seam() -> None:
    base = skin()
    hard = (soft(34) > 0.5).astype(np.float32)
    assert not kept("edges", judged(base, blended(base, moved(base) + 45, hard)).edges)


def test_a_smeared_band_is_a_seam() -> None:
    base = skin()
    smeared = cv2.GaussianBlur(moved(base), (0, 0), 4)
    assert not kept("texture", judged(base, blended(base, smeared, soft(50))).texture)


def test_a_frame_that_was_not_changed_has_no_band() -> None:
    base = skin()
    assert seam(base, base.copy(), landmarks(), landmarks()) is None


def test_a_single_pixel_outside_the_jaw_is_found() -> None:
    base, points = skin(), landmarks()
    inside = base.copy()
    inside[225, 180] ^= 1
    assert outside_share(base, inside, points) == 0 and kept("outside", 0.0)
    for row, column in ((10, 10), (130, 180), (225, 350)):
        result = base.copy()
        result[row, column] ^= 1
        share = outside_share(base, result, points)
        assert share > 0 and not kept("outside", share)


def test_the_region_turns_with_the_head() -> None:
    points, middle = landmarks(), np.array([180.0, 180.0])
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    turned = region((points - middle) @ turn.T + middle, (SIDE, SIDE))
    assert region(points, (SIDE, SIDE))[225, 180] and turned[180, 135]
    assert not turned[180, 260]


def frames(numbers: list[int]) -> list[Picture]:
    """A stripe that moves: the number is its place."""
    return [np.roll(skin(), 2 * number, axis=1) for number in numbers]


def test_a_loop_that_turns_back_has_no_jump_and_one_that_is_cut_has() -> None:
    clip = frames(list(range(24)))
    there_and_back = frames([*range(12), *range(10, 0, -1)])
    joint, inside = joint_ratio(there_and_back, clip)
    assert kept("joint", joint) and inside <= 1.1
    cut, _ = joint_ratio(frames(list(range(12))), clip)
    assert not kept("joint", cut)


def test_steps_of_a_still_picture_are_none() -> None:
    assert steps(frames([3, 3, 3])) == ([0.0, 0.0], 0.0)


SAID = tuple(
    Phoneme(ipa=ipa, start_s=0.4 + 0.12 * k, end_s=0.52 + 0.12 * k) for k, ipa in enumerate("bamipɑbumæpobɑmibæpɑ")
)
TIMES = np.arange(100) / 25


def mouth(late_s: float) -> NDArray[np.float64]:
    """A mouth that shuts on p, b, m and opens for what is between, so many seconds late."""
    gap = np.zeros(len(TIMES))
    for k, time in enumerate(TIMES - late_s):
        for phoneme in SAID:
            if phoneme.start_s <= time < phoneme.end_s and phoneme.ipa not in "pbm":
                gap[k] = 0.12
    return np.convolve(gap, [0.25, 0.5, 0.25], "same")


def test_a_mouth_in_step_passes_and_a_late_one_fails() -> None:
    good = sync.peak(sync.lag_curve(TIMES, mouth(0.0), SAID))
    late = sync.peak(sync.lag_curve(TIMES, mouth(0.12), SAID))
    assert good.offset_frames is not None and late.offset_frames is not None
    assert kept("A/V offset", good.offset_frames) and kept("correlation", good.correlation)
    assert not kept("A/V offset", late.offset_frames)


def test_a_mouth_that_flaps_whatever_is_said_fails() -> None:
    flap = 0.08 - 0.08 * np.cos(2 * np.pi * 2.7 * TIMES)
    assert not kept("correlation", sync.peak(sync.lag_curve(TIMES, flap, SAID)).correlation)
    open_always = 0.08 + 0.03 * np.sin(2 * np.pi * 3.1 * TIMES + 1)
    shut = sync.closures(TIMES, open_always + 0.04 * mouth(0.06), SAID)
    assert shut.rate is not None and shut.rate < sync.closures(TIMES, mouth(0.0), SAID).rate  # type: ignore[operator]


def test_rows_tell_bars_and_verdicts() -> None:
    row = Row(title="x", twin=lambda m: cast("Any", m).value, low=lambda _: 1.0, high=lambda _: 2.0)
    for value, verdict in ((0.9, "MISSED"), (1.0, "kept"), (2.1, "MISSED"), (None, "")):
        one = cast("Measured", SimpleNamespace(value=value))
        assert row.verdict(one) == verdict
        assert row.bar(one) == "1 .. 2"
    assert summary([])[0].startswith("| figure")


def test_a_sheet_shows_the_source_above_the_result_and_keeps_under_its_size(tmp_path: Path) -> None:
    clip = encode(tmp_path / "clip.mp4", (numbered(k) for k in range(30)))
    result = encode(tmp_path / "twin.mp4", (np.asarray(255 - numbered(k), np.uint8) for k in range(20)))
    picture = sheet(clip, list(range(29, 9, -1)), result, columns=4, height=120)
    assert picture.shape[0] == 2 * 120 + 2
    upper, lower = picture[:120].astype(int), picture[122:].astype(int)
    assert upper[90:110].mean() < 125 < lower[90:110].mean()
    save_small(picture, tmp_path / "sheet.jpg", 9_000)
    assert (tmp_path / "sheet.jpg").stat().st_size <= 9_000
    with Image.open(tmp_path / "sheet.jpg") as image:
        assert image.format == "JPEG"


@pytest.mark.parametrize("title", [row.title for row in ROWS])
def test_titles_differ(title: str) -> None:
    assert [row.title for row in ROWS].count(title) == 1
