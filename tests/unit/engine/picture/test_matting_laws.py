"""What holds of matting whatever the picture: mixtures are taken apart again, screens keyed, plates learnt."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.picture.matting import Screen, find_screen, foreground, key_screen, pure_foreground
from avatarium.engine.picture.matting.closedform import solve_alpha
from avatarium.engine.picture.matting.islands import Kept, without_holes
from avatarium.engine.picture.matting.kinds import Alpha, Image
from avatarium.engine.picture.matting.lines import apply_lines, fit_lines
from avatarium.engine.picture.matting.motion import Follower
from avatarium.engine.picture.matting.over import OutOfFocus, filling, lay_over_ground
from avatarium.engine.picture.matting.plate import GivenPlate, Plate
from avatarium.engine.picture.matting.video import VideoMatte

HEIGHT, WIDTH = 180, 240
SCREEN = (40, 170, 70)
JACKET = (24, 30, 58)
SKIN = (205, 160, 130)


def soft_disc(radius: float = 55, soft: float = 4) -> Alpha:
    """A round person with a soft edge."""
    rows, columns = np.indices((HEIGHT, WIDTH), dtype=np.float32)
    far = np.hypot(rows - HEIGHT / 2, columns - WIDTH / 2)
    return np.asarray(np.clip((radius - far) / soft + 0.5, 0, 1), np.float32)


def flat(colour: tuple[int, int, int]) -> Image:
    return np.full((HEIGHT, WIDTH, 3), colour, np.uint8)


def lit_screen(colour: tuple[int, int, int]) -> Image:
    """A screen that is darker at the left and has the noise of a camera."""
    light = np.linspace(0.7, 1.1, WIDTH, dtype=np.float32)[None, :, None]
    noise = np.random.default_rng(2).normal(0, 2, (HEIGHT, WIDTH, 3))
    return np.asarray(np.clip(np.asarray(colour, np.float32) * light + noise, 0, 255), np.uint8)


@pytest.fixture(params=[SCREEN, (30, 70, 190)], ids=["green", "blue"])
def screen_colour(request: pytest.FixtureRequest) -> Iterator[tuple[int, int, int]]:
    yield request.param


def test_a_screen_is_found_and_keyed_though_its_light_is_uneven(screen_colour: tuple[int, int, int]) -> None:
    alpha = soft_disc()
    frame = lay_over_ground(flat(SKIN), alpha, lit_screen(screen_colour))
    screen = find_screen([frame])
    assert screen is not None and screen.channel == int(np.argmax(screen_colour))
    keyed, pure = key_screen(frame, screen)
    assert np.abs(keyed - alpha).mean() < 0.006
    assert keyed[:20].max() < 0.02 and keyed[HEIGHT // 2, WIDTH // 2] > 0.99
    edge = (alpha > 0.3) & (alpha < 0.9)
    assert np.abs(pure[edge].astype(int) - SKIN).mean() < 12


def test_a_navy_jacket_before_a_blue_screen_stays_whole_and_navy() -> None:
    """The jacket's own blue used to be taken for a seventh of the screen, and its colour for spill."""
    alpha = soft_disc()
    frame = lay_over_ground(flat(JACKET), alpha, lit_screen((30, 70, 190)))
    screen = Screen.of_colour((30, 70, 190))
    assert screen is not None
    keyed, pure = key_screen(frame, screen, shape=alpha)
    inside = alpha >= 1
    assert keyed[inside].min() > 0.93
    assert np.abs(pure[inside].astype(int) - JACKET).mean() < 6


@pytest.mark.parametrize("colour", [(128, 128, 128), (190, 170, 150), (110, 130, 150), (90, 110, 60)])
def test_walls_are_no_screens(colour: tuple[int, int, int]) -> None:
    assert find_screen([lay_over_ground(flat(SKIN), soft_disc(), lit_screen(colour))]) is None
    assert Screen.of_colour(colour) is None


def test_a_green_dress_in_a_grey_room_is_no_screen() -> None:
    assert find_screen([lay_over_ground(flat(SCREEN), soft_disc(70), flat((120, 118, 115)))]) is None


@pytest.mark.parametrize("way", [pure_foreground, foreground])
def test_no_old_ground_is_left_in_soft_edges(way: object) -> None:
    alpha = soft_disc(soft=14)
    frame = lay_over_ground(flat((60, 40, 35)), alpha, flat((235, 235, 240)))
    pure = way(frame, alpha)  # type: ignore[operator]
    edge = (alpha > 0.25) & (alpha < 0.95)
    assert np.abs(frame[edge].astype(int) - (60, 40, 35)).mean() > 40  # else there was nothing to do
    assert np.abs(pure[edge].astype(int) - (60, 40, 35)).mean() < 12
    assert (pure[alpha >= 1] == frame[alpha >= 1]).all()


def test_pure_colours_are_a_new_picture() -> None:
    """A person as wide as the frame made the part that is written to a view of the frame itself."""
    frame = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    before = frame.copy()
    alpha = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    foreground(frame, alpha)
    assert (frame == before).all()


def test_closed_form_matting_finds_strands_thinner_than_the_mask() -> None:
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[60:] = 1
    drawn = (alpha * 255).astype(np.uint8)
    for column in range(20, WIDTH - 20, 17):
        cv2.line(drawn, (column, 60), (column + 9, 36), (255,), 1, cv2.LINE_AA)
    alpha = np.asarray(drawn / 255, np.float32)
    frame = lay_over_ground(flat((50, 35, 30)), alpha, flat((210, 205, 195)))
    mask = np.zeros_like(alpha)
    mask[60:] = 1
    unknown = np.zeros(alpha.shape, bool)
    unknown[28:66] = True
    found = solve_alpha(frame, mask, unknown, np.full(alpha.shape, 1e-3, np.float32))
    assert np.abs(found - alpha).mean() < 0.25 * np.abs(mask - alpha).mean()
    assert (found[~unknown] == mask[~unknown]).all()


def test_lines_found_small_give_edges_as_sharp_as_the_picture() -> None:
    alpha = soft_disc(soft=1.5)
    frame = lay_over_ground(flat((220, 200, 180)), alpha, flat((40, 60, 80)))
    size = (WIDTH // 4, HEIGHT // 4)
    small = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.float32)
    coarse = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
    plain = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    fine = apply_lines(frame, fit_lines(small, coarse, 2, 2.0), coarse)
    assert np.abs(fine - alpha).mean() < 0.4 * np.abs(plain - alpha).mean()


def test_a_plate_learns_the_ground_and_not_the_person() -> None:
    ground = lit_screen((150, 120, 100)).astype(np.float32)
    plate, person = Plate(WIDTH, HEIGHT), soft_disc()
    still = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    for _ in range(16):
        plate.watch(ground * (1 - person[..., None]) + 20 * person[..., None], person, still)
    assert plate.trust[5, 5] == 1 and plate.trust[HEIGHT // 2, WIDTH // 2] == 0
    assert np.abs(plate.colours - ground)[plate.trust > 0].max() < 1
    for _ in range(3):
        plate.watch(ground, person, still + 4)  # the camera turns
    assert plate.trust.max() == 0


def test_a_given_ground_that_is_another_room_is_not_trusted() -> None:
    picture, person = lit_screen((150, 120, 100)).astype(np.float32), soft_disc()
    rooms = lit_screen((150, 120, 100)), lit_screen((20, 90, 160))
    right, wrong = (GivenPlate(room, WIDTH, HEIGHT) for room in rooms)
    right.watch(picture, person, None)
    wrong.watch(picture, person, None)
    assert right.trust[5, WIDTH // 2] > 0.5
    assert wrong.trust.max() == 0


def test_a_cut_is_told_from_motion_and_from_light() -> None:
    room = np.random.default_rng(5).integers(0, 255, (12, 16), np.uint8)
    one = np.asarray(cv2.resize(room, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)
    follower = Follower(WIDTH, HEIGHT)
    assert follower.step(one) is None
    moved = follower.step(np.roll(one, 4, 1))
    assert moved is not None
    assert np.median(moved.flow[40:-40, 40:-40, 0]) == pytest.approx(-4, abs=0.5)
    assert follower.step((np.roll(one, 4, 1) * 0.7).astype(np.uint8)) is not None  # a lamp goes out
    assert follower.step(np.asarray(255 - one, np.uint8)) is None


def test_only_the_person_of_the_hint_is_kept() -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[40:170, 20:90], mask[60:170, 140:220] = 1, 1
    kept = Kept()
    kept.begin((150, 70, 180, 100))
    only = kept.only(mask)
    assert only[100, 50] == 0 and only[100, 180] == 1
    assert kept.only(np.roll(mask, 3, 1))[100, 183] == 1
    assert (Kept().only(mask) == mask).all()


def test_bystanders_came_back_after_a_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[40:170, 20:90], mask[60:170, 140:220] = 1, 1
    monkeypatch.setattr(VideoMatte, "_looked", lambda matte, work: cv2.resize(mask, work.shape[1::-1]))
    shots = [np.full((HEIGHT, WIDTH, 3), 60, np.uint8), np.full((HEIGHT, WIDTH, 3), 60, np.uint8)]
    shots[1][::2, ::2] = 250
    shots[1][: HEIGHT // 2] = 255
    faces = {0: (150.0, 70.0, 180.0, 100.0), 2: (40.0, 60.0, 70.0, 90.0)}
    asked: list[int] = []

    def face_at(number: int) -> tuple[float, float, float, float] | None:
        asked.append(number)
        return faces[number]

    with VideoMatte(WIDTH, HEIGHT, face_at=face_at) as matte:
        matte.next(shots[0])
        first = matte.next(shots[0])
        second = matte.next(shots[1])
    assert asked == [0, 2]
    assert first[120, 180] > 0.5 > first[120, 55]
    assert second[120, 55] > 0.5 > second[120, 180]


def test_an_earring_is_closed_and_the_room_under_an_arm_is_not() -> None:
    mask: NDArray[np.float32] = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[20:160, 40:200] = 1
    mask[60:64, 100:105], mask[90:130, 60:90] = 0, 0
    closed = without_holes(mask)
    assert closed[62, 102] == 1 and closed[110, 75] == 0


def test_a_ground_out_of_focus_has_no_glow_of_the_person() -> None:
    alpha = soft_disc()
    frame = lay_over_ground(flat((250, 40, 40)), alpha, flat((60, 90, 120)))
    behind = OutOfFocus().behind(frame, alpha)
    assert np.abs(behind.astype(int) - (60, 90, 120)).max() <= 12


def test_a_picture_fills_the_frame_without_being_stretched() -> None:
    picture = np.zeros((100, 400, 3), np.uint8)
    cv2.circle(picture, (200, 50), 40, (255, 255, 255), -1)
    shown = filling(picture, WIDTH, HEIGHT)
    assert shown.shape == (HEIGHT, WIDTH, 3)
    tall, wide = (shown[..., 0] > 127).any(1).sum(), (shown[..., 0] > 127).any(0).sum()
    assert abs(int(tall) - int(wide)) <= 2


def patterned(seed: int) -> NDArray[np.uint8]:
    tiles = np.random.default_rng(seed).integers(0, 255, (9, 12, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(tiles, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST), np.uint8)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_flash_made_the_matting_forget_the_shot(length: int) -> None:
    """A flash so strong that nothing of the picture is left."""
    follower = Follower(WIDTH, HEIGHT)
    grey = [np.asarray(cv2.cvtColor(patterned(seed), cv2.COLOR_RGB2GRAY), np.uint8) for seed in (1, 2)]
    steps = [follower.step(frame) for frame in [grey[0]] * 3 + [grey[1]] * length + [grey[0]] * 2]
    assert steps[3] is None
    back, after = steps[3 + length], steps[4 + length]
    assert back is not None and back.returned and float(back.same.mean()) > 0.99
    assert after is not None and not after.returned


def test_a_shot_that_lasts_is_no_flash() -> None:
    follower = Follower(WIDTH, HEIGHT)
    grey = [np.asarray(cv2.cvtColor(patterned(seed), cv2.COLOR_RGB2GRAY), np.uint8) for seed in (1, 2)]
    steps = [follower.step(frame) for frame in [grey[0]] * 3 + [grey[1]] * 6 + [grey[0]]]
    assert steps[3] is None and steps[9] is None


def test_after_a_flash_the_ground_that_was_learnt_is_known_still() -> None:
    ground = patterned(3)
    with VideoMatte(WIDTH, HEIGHT) as matte:
        for _ in range(8):
            matte.next(ground)
        known = matte._shot.plate.trust.mean()
        matte.next(patterned(4))
        assert matte._shot.plate.trust.mean() == 0
        matte.next(ground)
        assert matte._shot.plate.trust.mean() >= known > 0.3
