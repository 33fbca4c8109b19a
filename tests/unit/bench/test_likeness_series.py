from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from avatarium.engine.speech.records import Phoneme
from bench.likeness import blinks, pose, series, stillness, sync
from bench.likeness.identity import distances, sampled
from bench.likeness.phones import expected_opening

TIMES = np.arange(0, 6, 0.04)
SAID = tuple(
    Phoneme(ipa=ipa, start_s=0.5 + 0.13 * k, end_s=0.63 + 0.13 * k)
    for k, ipa in enumerate("mɑpibəuʃæbɛwɪmosabitupɔnimakɛlobʌdi")
)


def head(count: int = 50, iod: float = 100.0) -> NDArray[np.float64]:
    """A face looking ahead, its eyes and nose where the skull of the pose module has them."""
    points = np.zeros((68, 2))
    focal = pose.CAMERA_IODS * iod
    depth = pose.CAMERA_IODS * 90.0
    for index, (x, y, z) in zip(pose.RIGID, pose.SKULL_MM, strict=True):
        points[index] = (x, y) / (depth + z) * focal
    scale = iod / np.linalg.norm(points[45] - points[36])
    points *= scale
    for k, eye in ((36, -0.33), (42, 0.33)):
        points[[k + 1, k + 2]] = [[(eye - 0.05) * iod, -4], [(eye + 0.05) * iod, -4]]
        points[[k + 4, k + 5]] = [[(eye + 0.05) * iod, 4], [(eye - 0.05) * iod, 4]]
    points[48:68, 1] = 0.85 * iod
    points[48, 0], points[54, 0] = -0.25 * iod, 0.25 * iod
    points[8] = 0, 1.3 * iod
    return np.repeat(points[None] + 200, count, axis=0)


def speaking_track(delay_frames: float = 0.0) -> NDArray[np.float64]:
    track = head(len(TIMES))
    gap = 12 * expected_opening(SAID, TIMES - delay_frames * series.FRAME_S)
    for upper, lower in ((61, 67), (62, 66), (63, 65)):
        track[:, lower, 1] = track[:, upper, 1] + gap
    return track


def test_opening_is_the_mean_gap_in_eye_distances() -> None:
    track = head(1, iod=200)
    track[:, [65, 66, 67], 1] = track[:, [63, 62, 61], 1] + [10.0, 20.0, 30.0]
    assert series.opening(track) == pytest.approx([0.1])
    assert series.width(track) == pytest.approx([0.5])


def test_figures_do_not_depend_on_the_size_of_the_face() -> None:
    track = speaking_track()
    assert series.opening(track * 3) == pytest.approx(series.opening(track))
    assert series.eye_aspect(track * 3) == pytest.approx(series.eye_aspect(track))


@pytest.mark.parametrize("delay", [-6, -2.5, -1, 0, 0.5, 1, 4])
def test_a_late_mouth_is_reported_late(delay: float) -> None:
    peak = sync.peak(sync.lag_curve(TIMES, series.opening(speaking_track(delay)), SAID))
    assert peak.offset_frames == pytest.approx(delay, abs=0.25)
    assert peak.correlation > 0.9


@pytest.mark.parametrize("fps", [24.0, 29.97, 50.0])
def test_offset_is_in_frames_of_40_ms_at_any_frame_rate(fps: float) -> None:
    times = np.arange(0, 6, 1 / fps)
    opening = expected_opening(SAID, times - 3 * series.FRAME_S)
    assert sync.peak(sync.lag_curve(times, opening, SAID)).offset_frames == pytest.approx(3, abs=0.25)


def test_a_still_mouth_has_no_offset_no_correlation_and_no_closures() -> None:
    opening = np.full(len(TIMES), 0.03)
    peak = sync.peak(sync.lag_curve(TIMES, opening, SAID))
    assert peak == sync.Peak(offset_frames=None, correlation=0.0)
    closures = sync.closures(TIMES, opening, SAID)
    assert closures.total >= 8
    assert closures.rate == 0


def test_frames_without_a_face_do_not_move_the_offset() -> None:
    opening = series.opening(speaking_track(2))
    opening[40:60] = np.nan
    assert sync.peak(sync.lag_curve(TIMES, opening, SAID)).offset_frames == pytest.approx(2, abs=0.4)


def test_too_short_a_clip_has_no_offset() -> None:
    assert not sync.lag_curve(TIMES[:12], series.opening(speaking_track())[:12], SAID).any()


def test_closures_are_counted_by_the_dip_of_the_opening() -> None:
    opening = series.opening(speaking_track())
    assert sync.closures(TIMES, opening, SAID).rate == 1
    p = next(phoneme for phoneme in SAID if phoneme.ipa == "p")
    missed = opening.copy()
    missed[np.abs(TIMES - (p.start_s + p.end_s) / 2) < 0.165] = 0.1
    found = sync.closures(TIMES, missed, SAID)
    assert (found.shut, found.total) == (found.total - 1, sync.closures(TIMES, opening, SAID).total)


def test_a_closure_outside_the_clip_is_not_counted() -> None:
    late = [Phoneme(ipa="b", start_s=20.0, end_s=20.1)]
    assert sync.closures(TIMES, series.opening(speaking_track()), late).rate is None


def test_rounding_compares_narrow_with_wide() -> None:
    said = [Phoneme(ipa="u", start_s=1.0, end_s=1.2), Phoneme(ipa="i", start_s=2.0, end_s=2.2)]
    width = np.full(len(TIMES), 0.5)
    width[(TIMES >= 1.04) & (TIMES <= 1.12)] = 0.4
    width[(TIMES >= 2.04) & (TIMES <= 2.12)] = 0.55
    assert sync.rounding(TIMES, width, said) == pytest.approx(0.4 / 0.55)
    assert sync.rounding(TIMES, width, said[:1]) is None


def test_short_sounds_between_two_frames_count() -> None:
    said = [Phoneme(ipa="u", start_s=1.005, end_s=1.03), Phoneme(ipa="i", start_s=2.005, end_s=2.03)]
    assert sync.rounding(TIMES, np.full(len(TIMES), 0.5), said) == pytest.approx(1)


@given(st.lists(st.floats(-1, 1), min_size=21, max_size=21))
def test_a_peak_lies_within_half_a_frame_of_the_highest_entry(curve: Sequence[float]) -> None:
    peak = sync.peak(np.array(curve))
    if max(curve) <= 0:
        assert peak.offset_frames is None
    else:
        assert peak.correlation == max(curve)
        assert peak.offset_frames is not None
        assert abs(peak.offset_frames + sync.MAX_LAG - int(np.argmax(curve))) <= 0.5


def test_jitter_is_the_second_difference_and_not_the_motion() -> None:
    sliding = head(100) + np.arange(100)[:, None, None] * 2.0
    assert series.jitter(sliding) == pytest.approx(0, abs=1e-9)
    shaking = head(100) + np.where(np.arange(100) % 2, 0.5, 0.0)[:, None, None] * [1.0, 0.0]
    assert series.jitter(shaking) == pytest.approx(0.01)
    assert series.jitter(np.full((30, 68, 2), np.nan)) is None


def test_nose_speed_is_in_eye_distances_a_second() -> None:
    sliding = head(100) + np.arange(100)[:, None, None] * [2.0, 0.0]
    assert series.nose_speed(sliding, np.arange(100) / 25) == pytest.approx(0.5, rel=0.02)


def test_resampling_leaves_long_gaps_empty() -> None:
    times = np.arange(0, 2, 0.04)
    values = np.where((times > 0.5) & (times < 1.2), np.nan, 1.0)
    even = series.resample(times, values, np.array([0.3, 0.55, 0.9, 1.5]))
    assert np.isnan(even).tolist() == [False, False, True, False]
    assert np.isnan(series.resample(times, np.full(len(times), np.nan), times)).all()


def test_blinks_are_short_falls_of_the_eye_aspect() -> None:
    aspect = np.full(len(TIMES), 0.3)
    aspect[50:54] = 0.2
    aspect[100:116] = 0.2  # 640 ms: looking down, not a blink
    assert blinks.blink_spans(TIMES, aspect) == [(TIMES[50], TIMES[53])]


def test_scheduled_blinks_are_found_by_time() -> None:
    spans = [(1.08, 1.2), (4.0, 4.1)]
    assert blinks.share_found(spans, [1.0, 3.95]) == 1
    assert blinks.share_found(spans, [1.0, 2.5]) == 0.5
    assert blinks.share_found(spans, []) is None


def test_the_look_of_the_eyes_tells_a_blink_that_landmarks_miss() -> None:
    open_eye = np.full((2, 34, 48), 180.0, np.float32)
    open_eye[:, 10:24, 16:32] = 40
    patches = np.repeat(open_eye[None], len(TIMES), axis=0)
    patches[50:53] = 180
    wink = patches.copy()
    wink[:, 1] = open_eye[1]
    spans = blinks.changed_spans(TIMES, blinks.eye_change(TIMES, patches))
    assert spans == [(TIMES[50], TIMES[52])]
    assert blinks.changed_spans(TIMES, blinks.eye_change(TIMES, wink)) == []


@pytest.mark.parametrize(("axis", "degrees"), [(0, 6.0), (1, 4.0), (2, 5.0)])
def test_a_turned_head_is_measured_in_degrees(axis: int, degrees: float) -> None:
    turns = np.zeros((80, 3))
    turns[40:, axis] = np.radians(degrees)
    track = np.zeros((80, 68, 2))
    for index, (yaw, pitch, roll) in enumerate(turns):
        about_y = [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
        about_x = [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
        about_z = [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
        turned = pose.SKULL_MM @ (np.array(about_z) @ about_x @ about_y).T + [0, 0, 1000]
        track[index][list(pose.RIGID)] = turned[:, :2] / turned[:, 2:] * 1200 + 300
    found = pose.angles(track)
    step = found[60:].mean(0) - found[:20].mean(0)
    assert step[axis] == pytest.approx(degrees, abs=0.7)
    assert np.abs(np.delete(step, axis)).max() < 1.0
    motion = pose.motion(track)
    assert motion is not None
    assert (motion.yaw, motion.pitch, motion.roll)[axis] == pytest.approx(degrees / 2, rel=0.15)


def test_no_face_has_no_pose() -> None:
    assert pose.motion(np.full((10, 68, 2), np.nan)) is None


def test_background_is_beside_the_head_and_above_the_chin() -> None:
    mask = stillness.background_mask(head(10), (480, 480))
    assert mask is not None
    assert mask[50, 20]
    assert mask[50, 460]
    assert not mask[50, 200]
    assert not mask[470, 20]
    assert stillness.background_mask(head(10, iod=400), (480, 480)) is None


def test_psnr_of_a_change_of_one_level_is_48_db() -> None:
    one = np.full((8, 8, 3), 100, np.uint8)
    mask = np.ones((8, 8), bool)
    change = stillness.squared_change(one, one + np.uint8(1), mask)
    assert stillness.psnr(np.array([change])) == pytest.approx(48.13, abs=0.01)
    assert stillness.psnr(np.array([0.0])) == stillness.HIGHEST_DB
    assert stillness.psnr(np.zeros(0)) is None


def test_the_mouth_box_rides_on_the_head() -> None:
    random = np.random.default_rng(1)
    picture = np.repeat(random.integers(0, 255, (60, 60, 1), np.uint8), 3, axis=2).repeat(8, 0).repeat(8, 1)
    points = head(1)[0]
    shape = stillness.face_shape(points[None])
    moved = np.roll(picture, (7, 11), (0, 1))
    here = stillness.mouth_patch(picture, points, shape)
    there = stillness.mouth_patch(moved, points + [11, 7], shape)
    assert here.std() > 10
    assert np.abs(here - there).max() < 0.5
    assert np.abs(here - stillness.mouth_patch(moved, points, shape)).mean() > 5


def test_an_open_jaw_does_not_move_the_mouth_box() -> None:
    points = head(1)[0]
    shape = stillness.face_shape(points[None])
    open_points = points.copy()
    open_points[3:14, 1] += 20
    open_points[54:60, 1] += 20
    assert stillness.fitted_frame(open_points, shape) == pytest.approx(stillness.fitted_frame(points, shape))


def test_motion_ratio_of_two_stills_is_zero_and_not_noise_over_noise() -> None:
    half = np.arange(40) < 20
    assert stillness.motion_ratio(np.where(half, 3.0, 1.0), half, ~half) == pytest.approx(3)
    assert stillness.motion_ratio(np.zeros(40), half, ~half) == 0
    assert stillness.motion_ratio(np.full(40, 0.02), half, ~half) == pytest.approx(0.08)
    assert stillness.motion_ratio(np.ones(40), half, np.zeros(40, bool)) is None


def test_flicker_is_the_mean_change_of_colour_a_frame() -> None:
    times = np.arange(0, 2, 0.04)
    blinking = np.where(np.arange(len(times)) % 2, 4.0, 0.0)[:, None] * np.ones(3)
    assert stillness.flicker(times, blinking) == pytest.approx(4)
    assert stillness.flicker(times, np.ones((len(times), 3))) == 0
    assert stillness.flicker(times[:1], np.ones((1, 3))) is None


def test_lip_colour_leaves_the_open_mouth_out() -> None:
    picture = np.full((100, 100, 3), 200, np.uint8)
    picture[40:61, 30:71] = (180, 60, 60)
    picture[46:55, 40:61] = 0
    points = np.zeros((68, 2))
    points[48:60] = [[x, 40] for x in range(32, 69, 6)][:6] + [[x, 60] for x in range(68, 31, -7)]
    points[60:68] = [[39, 45], [45, 45], [55, 45], [61, 45], [61, 55], [55, 55], [45, 55], [39, 55]]
    assert stillness.lip_colour(picture, points) == pytest.approx([180, 60, 60], abs=1)


def test_faces_are_sampled_evenly_where_there_are_any() -> None:
    found = np.ones(100, bool)
    found[:10] = False
    frames = sampled(found)
    assert (len(frames), frames[0], frames[-1]) == (12, 10, 99)
    assert sampled(found[:10]) == []
    assert sampled(np.ones(3, bool)) == [0, 1, 2]


def test_identity_is_the_euclidean_distance() -> None:
    source = np.zeros(128)
    near, far = source.copy(), source.copy()
    near[0], far[1] = 0.2, 0.4
    assert distances(source, [near, far]) == pytest.approx((0.3, 0.4))
    assert distances(source, []) is None
