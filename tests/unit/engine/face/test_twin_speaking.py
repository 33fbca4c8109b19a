"""How a twin speaks, in numbers alone: whose mouth is shown when, and where its points go."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.expression import fields
from avatarium.engine.face.pose import Floats, Mouth
from avatarium.engine.face.video.bank import MOST_FRAMES, Bank, unlikeness
from avatarium.engine.face.video.blending import Source, lay_mouth, lips_gain
from avatarium.engine.face.video.lie import Lie
from avatarium.engine.face.video.retrieval import FADE_FRAMES, Mix, Runs
from avatarium.engine.face.video.warping import OwnFace, Skin, Tracked, Warping, limited, usual_face
from avatarium.engine.video.framing import Fit, Placement, Size, place

STRAIGHT = np.zeros(3, np.float32)


def mouth(opening: float = 0.0, width: float = 0.0, chin: float = 0.0) -> Floats:
    controls = np.zeros(len(Mouth), np.float32)
    controls[Mouth.OPEN], controls[Mouth.WIDTH], controls[Mouth.CHIN] = opening, width, chin
    return controls


def bank(openings: list[float], frames: list[int] | None = None, apart: float = 0.5) -> Bank:
    """Mouths that open so far, all as unlike as each other."""
    count = len(openings)
    face = (usual_face()[:, :2] - usual_face()[[13, 14], :2].mean(0)) * 60 + [40, 30]
    return Bank(
        crops=np.random.default_rng(1).integers(0, 255, (count, 60, 80, 3)).astype(np.uint8),
        points=np.repeat(face[None], count, axis=0).astype(np.float32),
        frames=np.array(range(count) if frames is None else frames, np.int32),
        controls=np.stack([mouth(opening) for opening in openings]),
        pose=np.zeros((count, 3), np.float32),
        lips=np.full((count, 3), 120, np.float32),
        blur=np.zeros(count, np.float32),
        apart=(np.full((count, count), apart) * (1 - np.eye(count))).astype(np.float32),
        light=np.full((200, 3), 120, np.float32),
        unit=np.array([60], np.float32),
    )


def walked(openings: list[float], wanted: list[float], frames: list[int] | None = None) -> list[Mix]:
    """What is shown for mouths that open so far, each told ten frames ahead."""
    runs = Runs(bank(openings, frames))
    mouths = np.stack([mouth(opening) for opening in wanted])
    return [runs.choose(now, mouths[k + 1 : k + 11], STRAIGHT) for k, now in enumerate(mouths)]


def test_inner_lips_that_were_mirrored_by_the_wrong_lip_move_as_mirror_images() -> None:
    flip = np.array([-1.0, 1.0, 1.0])
    for row in (mesh.LIP_INNER_UPPER, mesh.LIP_INNER_LOWER, *mesh.LIP_RINGS_UPPER, *mesh.LIP_RINGS_LOWER):
        moved = fields().mouth[:, list(row)]
        assert np.abs(moved - moved[:, ::-1] * flip).max() < 1e-6


def test_lips_stand_exactly_as_far_apart_as_wanted_and_touch_when_shut() -> None:
    face = OwnFace(usual_face())
    for opening in (0.0, 0.02, 0.1, 0.2):
        shape = face.shape(mouth(opening, chin=opening / 2))
        gap = shape[list(mesh.LIP_INNER_LOWER), 1] - shape[list(mesh.LIP_INNER_UPPER), 1]
        assert gap[5] == pytest.approx(opening, abs=2e-3)
        assert gap.min() > -2e-3


def test_a_run_that_fits_is_followed_frame_by_frame() -> None:
    openings = [0.01 * abs(10 - k % 20) for k in range(60)]
    mixes = walked(openings, openings[5:45])
    rows = [mix[-1][0] for mix in mixes]
    assert all(len(mix) == 1 for mix in mixes)
    assert set(np.diff(rows)) == {1}


def test_lips_that_must_touch_are_shown_by_lips_that_touch() -> None:
    openings = [0.15] * 30 + [0.0] * 5
    mixes = walked(openings, [0.15] * 12 + [-0.01] * 4 + [0.15] * 8)
    shown = [sum(share * openings[row] for row, share in mix) for mix in mixes]
    assert max(shown[12:16]) < 0.03
    assert min(shown[2:10]) > 0.12
    assert min(shown[20:]) > 0.12


def test_a_change_fades_over_three_frames_and_shares_sum_to_one() -> None:
    mixes = walked([0.05] * 20 + [0.09] * 20, [0.05] * 10 + [0.09] * 12, frames=[*range(20), *range(100, 120)])
    assert all(sum(share for _, share in mix) == pytest.approx(1) for mix in mixes)
    mixed = [k for k, mix in enumerate(mixes) if len(mix) > 1]
    assert 1 <= len(mixed) <= FADE_FRAMES
    assert mixed == list(range(mixed[0], mixed[0] + len(mixed)))


def test_what_comes_decides_and_the_same_mouths_give_the_same_walk() -> None:
    openings = [0.08, 0.10, 0.12, 0.14, 0.16] + [0.08, 0.06, 0.04, 0.02, 0.0]
    numbers = [*range(5), *range(50, 55)]
    opening = Runs(bank(openings, numbers)).choose(
        mouth(0.08), np.stack([mouth(o) for o in (0.10, 0.12, 0.14)]), STRAIGHT
    )
    closing = Runs(bank(openings, numbers)).choose(
        mouth(0.08), np.stack([mouth(o) for o in (0.06, 0.04, 0.02)]), STRAIGHT
    )
    assert opening[0][0] == 0
    assert closing[0][0] == 5
    wanted = [0.05, 0.1, 0.12, 0.03, 0.0, 0.07] * 4
    assert walked(openings, wanted, numbers) == walked(openings, wanted, numbers)


def test_a_bank_goes_into_a_file_and_comes_back() -> None:
    one = bank([0.0, 0.1, 0.2])
    other = Bank.from_arrays(one.arrays())
    assert all(name.startswith("bank_") for name in one.arrays())
    assert all(np.array_equal(array, other.arrays()[name]) for name, array in one.arrays().items())
    with pytest.raises(KeyError):
        Bank.from_arrays({})
    assert len(one) < MOST_FRAMES


@pytest.mark.parametrize("name", ["bank_points", "bank_apart", "bank_frames", "bank_crops", "bank_unit", "bank_light"])
def test_a_bank_whose_shapes_lie_is_refused_before_compiled_loops_read_it(name: str) -> None:
    arrays = bank([0.0, 0.1, 0.2]).arrays()
    for wrong in (arrays[name][..., :-1], arrays[name].astype(np.float64), arrays[name][None]):
        with pytest.raises(ValueError, match="."):
            Bank.from_arrays({**arrays, name: wrong})
    if arrays[name].dtype == np.float32:
        with pytest.raises(ValueError, match=name.removeprefix("bank_")):
            Bank.from_arrays({**arrays, name: arrays[name] * np.float32("nan")})


def test_coverage_tells_a_talking_mouth_from_a_silent_one() -> None:
    assert bank([0.0] * 30).coverage < 0.3
    rng = np.random.default_rng(3)
    talking = bank([0.0] * 300)
    talking.controls[:, 0] = rng.uniform(0, 0.2, 300)
    talking.controls[:, 1] = rng.uniform(-0.1, 0.08, 300)
    talking.controls[:, 2] = talking.controls[:, 0] / 2
    talking.controls[:, 3] = -talking.controls[:, 0] / 5
    assert talking.coverage > 0.9


def test_smaller_crops_keep_their_points_on_the_same_places() -> None:
    one = bank([0.0])
    one.crops[:] = 0
    x, y = np.round(one.points[0, mesh.LIP_LOWER_INNER]).astype(int)
    one.points[0, mesh.LIP_LOWER_INNER] = x, y
    one.crops[0, y - 2 : y + 3, x - 2 : x + 3] = 255
    small = one.scaled(0.5)
    bright = small.crops[0, ..., 0].astype(float)
    grid = np.indices(bright.shape)
    middle = [(bright * axis).sum() / bright.sum() for axis in (grid[1], grid[0])]
    assert np.allclose(middle, small.points[0, mesh.LIP_LOWER_INNER], atol=0.3)
    assert one.scaled(0.9) is one


def test_openings_are_eased_below_the_widest_that_was_seen() -> None:
    eased = [float(limited(mouth(o, chin=o), 0.1)[Mouth.OPEN]) for o in np.linspace(-0.01, 0.4, 60)]
    assert np.all(np.diff(eased) > 0)
    assert max(eased) < 0.1
    assert limited(mouth(0.05), 0.1)[Mouth.OPEN] == np.float32(0.05)
    assert limited(mouth(0.3, chin=0.1), 0.1)[Mouth.CHIN] < 0.04


def tracked(shapes: NDArray[np.float64], controls: NDArray[np.float32]) -> Tracked:
    """Faces that look straight ahead, 100 pixels an IOD."""
    count = len(shapes)
    points = 100 * shapes + [200, 150, 0]
    return Tracked(
        points=points.astype(np.float32),
        local=shapes.astype(np.float32),
        controls=controls,
        scale=np.full(count, 100, np.float32),
        turn=np.repeat(np.eye(3, dtype=np.float32)[None], count, axis=0),
        shift=np.tile(np.array([200, 150, 0], np.float32), (count, 1)),
    )


def test_what_the_film_says_is_taken_out_and_the_upper_face_stays() -> None:
    face = OwnFace(usual_face())
    talking = np.stack([mouth(0.1 + 0.08 * np.sin(k), chin=0.04) for k in range(40)])
    film = tracked(np.stack([face.shape(m) for m in talking]), talking)
    warping = Warping(face, film)
    wanted = face.shape(mouth(0.12, chin=0.03))
    lips = [*mesh.LIP_INNER_UPPER, *mesh.LIP_INNER_LOWER, *mesh.LIP_RINGS_LOWER[0]]
    for frame in (0, 7, 23):
        pixels, local = warping.target(frame, wanted)
        assert np.abs(pixels[lips] - (100 * wanted[lips, :2] + [200, 150])).max() < 0.5
        assert np.abs(local[lips] - wanted[lips]).max() < 0.005
        above = usual_face()[:, 1] < 0.5 * usual_face()[mesh.NOSE_BASE[0], 1]
        assert np.array_equal(pixels[above].astype(np.float32), film.points[frame, above, :2])


def test_rings_let_the_movement_fade_before_their_last() -> None:
    face = OwnFace(usual_face())
    skin = Skin(Warping(face, tracked(usual_face()[None], mouth()[None])).weights)
    source = 100 * usual_face()[:, :2] + [200, 150]
    target = source + [0, 8]
    fixed, moved = skin.grown(source, target)
    count = len(mesh.OVAL)
    assert np.allclose((moved - fixed)[mesh.VERTICES : mesh.VERTICES + count, 1], 8 * 0.55, atol=1e-3)
    assert np.allclose(moved[mesh.VERTICES + count :], fixed[mesh.VERTICES + count :])


@pytest.mark.parametrize("size", [Size(320, 240), Size(640, 360), Size(480, 480), Size(1280, 960)])
@pytest.mark.parametrize("fit", [Fit.CROP, Fit.PAD])
def test_points_go_where_the_pixels_go(size: Size, fit: Fit) -> None:
    film = np.zeros((480, 640, 3), np.uint8)
    film[238:247, 325:334] = 255
    placement = place(640, 480, size, fit)
    assert_dot(film, (329.0, 242.0), Lie.of(placement, (640, 480), size), size)


def test_a_film_that_hangs_over_the_frame_is_cut_where_its_points_say() -> None:
    film = np.zeros((480, 640, 3), np.uint8)
    film[238:247, 325:334] = 255
    size = Size(400, 300)
    for scale in (0.6, 1.0, 1.4):
        hanging = Placement(
            source_x=0,
            source_y=0,
            source_width=640,
            source_height=480,
            target_x=-40,
            target_y=-25,
            target_width=round(640 * scale),
            target_height=round(480 * scale),
        )
        if 329 * scale - 40 < 390 and 242 * scale - 25 < 290:
            assert_dot(film, (329.0, 242.0), Lie.of(hanging, (640, 480), size), size)


def assert_dot(film: NDArray[np.uint8], at: tuple[float, float], lie: Lie, size: Size) -> None:
    given = film
    if lie.smaller is not None and lie.part is not None:
        left, top = lie.part.left, lie.part.top
        given = film[top : top + lie.part.height, left : left + lie.part.width]
        given = np.asarray(cv2.resize(given, lie.smaller, interpolation=cv2.INTER_AREA), np.uint8)
    frame = lie.placed(np.asarray(given, np.uint8), np.zeros((size.height, size.width, 3), np.uint8))
    assert frame.shape == (size.height, size.width, 3)
    bright = frame[..., 0].astype(float)
    grid = np.indices(bright.shape)
    middle = [(bright * axis).sum() / bright.sum() for axis in (grid[1], grid[0])]
    assert np.allclose(middle, np.array(at) * lie.scale + lie.shift, atol=0.35)


def test_lips_are_brought_to_this_frames_light_within_what_light_does() -> None:
    assert np.allclose(
        lips_gain(np.array([110, 90, 80], np.float32), np.array([100, 100, 100], np.float32))[:2], [1.1, 0.9]
    )
    gain = lips_gain(np.array([250, 1, 80], np.float32), np.array([10, 200, 0], np.float32))
    assert gain.min() >= 0.75
    assert gain.max() <= np.float32(1.35)


def test_a_mouth_laid_into_its_own_frame_leaves_it_as_it_is() -> None:
    rng = np.random.default_rng(5)
    noise = rng.integers(40, 220, (120, 160, 3)).astype(np.uint8)
    frame: NDArray[np.uint8] = np.asarray(cv2.GaussianBlur(noise, (0, 0), 2), np.uint8)
    points = ((usual_face()[:, :2] - usual_face()[[13, 14], :2].mean(0)) * 80 + [80, 60]).astype(np.float32)
    laid = frame.copy()
    own = Source(crop=frame, points=points, share=1.0, gain=np.ones(3, np.float32))
    lay_mouth(laid, points, [own], 80.0, 1.0)
    assert np.abs(laid.astype(int) - frame).max() <= 2
    darker = Source(crop=(frame * 0.85).astype(np.uint8), points=points, share=1.0, gain=np.ones(3, np.float32))
    lay_mouth(laid, points, [darker], 80.0, 1.0)
    lay_mouth(laid, points, [darker], 80.0, 0.0)
    edge = np.abs(laid.astype(int) - frame)[:, [0, -1]].max()
    assert edge == 0


def test_unlikeness_leaves_the_controls_alone() -> None:
    controls = bank([0.0, 0.1]).controls
    before = controls.copy()
    assert unlikeness(controls, mouth(0.1))[1] == 0
    assert np.array_equal(controls, before)
