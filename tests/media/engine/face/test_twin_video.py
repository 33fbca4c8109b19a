"""A clip speaks anew: measured by detectors that the renderer does not use, and against the film itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.pose import COMING, Floats, Mouth, Pose
from avatarium.engine.face.shot import face_box, frame_shot
from avatarium.engine.face.stage import Stage
from avatarium.engine.face.style.record import OWN_SHAPE, SpeakingStyle
from avatarium.engine.face.video.actor import Films, Loop, VideoActor
from avatarium.engine.face.video.bank import build_bank, lips_colour
from avatarium.engine.face.video.films import FilmWriter
from avatarium.engine.face.video.measures import measure
from avatarium.engine.face.video.playing import Part, Player
from avatarium.engine.face.video.tracking import track_face
from avatarium.engine.face.video.view import VideoView
from avatarium.engine.face.video.warping import Tracked
from avatarium.engine.filmed import filmed_view, is_clip, is_twin
from avatarium.engine.options import SpeakOptions
from avatarium.engine.video.canvas import PixelBox
from avatarium.engine.video.framing import Fit, Size, place
from avatarium.errors import InputError, PictureError
from bench.likeness import series
from bench.likeness.landmarks import Tracker, fit_settled
from tests.support.twin_clips import piece

Image = NDArray[np.uint8]

SIDE, FRAMES = 384, 90
SIZE = Size(SIDE, SIDE)
HIDDEN = range(40, 46)
"""Frames in which the mouth is said to be covered."""


@pytest.fixture(scope="module")
def actor(media: Path, tmp_path_factory: pytest.TempPathFactory) -> VideoActor:
    """A woman who speaks, 3.6 s; matted by a mask that was drawn, not found."""
    folder = tmp_path_factory.mktemp("twin")
    frames = piece("woman-flag-512.mp4", FRAMES, SIDE)
    track = track_face(frames)
    found = measure(track)
    films = Films(base=folder / "base.mp4", person=folder / "person.mp4", alpha=folder / "alpha.mp4")
    assert films.person is not None
    assert films.alpha is not None
    with (
        FilmWriter(films.base, SIDE, SIDE) as base,
        FilmWriter(films.person, SIDE, SIDE) as person,
        FilmWriter(films.alpha, SIDE, SIDE, plane=True) as alpha,
    ):
        for frame in frames:
            base.add_picture(frame)
            person.add_picture(frame)
            alpha.add_plane(drawn_mask())
    shown = np.ones(FRAMES, np.float32)
    shown[HIDDEN.start : HIDDEN.stop] = 0
    placing = found.placing
    tracked = Tracked(
        points=track.points[:, :468],
        local=found.local,
        controls=found.controls,
        scale=placing.scale,
        turn=placing.turn,
        shift=placing.shift,
    )
    loop = Loop(order=np.arange(FRAMES, dtype=np.int32), tracked=tracked, pose=found.pose, shown=shown)
    bank = build_bank(frames, track, found, np.ones(FRAMES, np.float32))
    return VideoActor(films, (SIDE, SIDE), loop, found.neutral, bank)


def drawn_mask() -> Image:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(mask, (SIDE // 2, SIDE // 2 + 40), (150, 220), 0, 0, 360, (255,), -1)
    return mask


def view_of(actor: VideoActor, size: Size = SIZE, background: Image | None = None, cutout: bool = False) -> VideoView:
    return VideoView(actor, size, frame_shot(actor, size), background=background, cutout=cutout)


def poses(openings: Floats) -> list[Pose]:
    mouths = np.zeros((len(openings), len(Mouth)), np.float32)
    mouths[:, Mouth.OPEN] = openings
    mouths[:, Mouth.CHIN] = 0.45 * np.maximum(openings, 0)
    mouths[:, Mouth.UP] = -0.2 * np.maximum(openings, 0)
    return [Pose(mouth=m, tick=k, coming=mouths[k + 1 : k + 1 + COMING]) for k, m in enumerate(mouths)]


def speaking(frames: int = FRAMES) -> Floats:
    """Four syllables a second and a shut mouth between each two."""
    at = np.arange(frames) / 25
    return np.asarray(np.maximum(0.0, 0.11 * np.sin(2 * np.pi * 2.0 * at)) - 0.004, np.float32)


@pytest.fixture(scope="module")
def spoken(actor: VideoActor) -> list[Image]:
    shown = view_of(actor)
    made = [shown.render(pose) for pose in poses(speaking())]
    shown.close()
    return made


@pytest.fixture(scope="module")
def film(actor: VideoActor) -> list[Image]:
    player = Player(actor.films.base, FRAMES)
    return [player.frame(k).copy() for k in range(FRAMES)]


def free(frames: int = FRAMES) -> list[int]:
    return [k for k in range(frames) if k not in HIDDEN]


def test_outside_mouth_and_jaw_every_pixel_is_the_films_own(
    actor: VideoActor, spoken: list[Image], film: list[Image]
) -> None:
    for k in free():
        points = actor.loop.tracked.points[k, :, :2]
        changed = (spoken[k] != film[k]).any(-1)
        rows, columns = np.nonzero(changed)
        unit = float(actor.loop.tracked.scale[k])
        assert changed.any()
        assert rows.min() > points[168, 1], "above the bridge of the nose nothing moves"
        assert rows.max() < points[152, 1] + 0.45 * unit
        assert columns.min() > points[:, 0].min() - 0.3 * unit
        assert columns.max() < points[:, 0].max() + 0.3 * unit


def test_where_the_mouth_is_covered_the_film_passes_untouched(spoken: list[Image], film: list[Image]) -> None:
    for k in HIDDEN:
        assert np.array_equal(spoken[k], film[k])


def openings_by_dlib(frames: list[Image]) -> NDArray[np.float64]:
    tracker = Tracker()
    track = np.full((len(frames), 68, 2), np.nan)
    for number, frame in enumerate(frames):
        tracker.locate(frame)
        if tracker.box is not None:
            track[number] = fit_settled(frame, tracker.box)
    return series.opening(track)


def test_an_independent_detector_sees_the_mouth_open_and_shut_as_wanted(spoken: list[Image]) -> None:
    seen, wanted, rows = openings_by_dlib(spoken), speaking(), free()
    assert np.isfinite(seen[rows]).all()
    assert np.corrcoef(seen[rows], np.maximum(wanted[rows], 0))[0, 1] > 0.85
    shut = [k for k in rows if wanted[max(0, k - 1) : k + 2].max() <= 0]
    low, high = np.percentile(seen[rows], [3, 97])
    assert high - low > 0.05
    openings = (seen[shut] - low) / (high - low)
    assert np.mean(openings <= 0.22) > 0.95
    closures = np.split(openings, np.flatnonzero(np.diff(shut) > 1) + 1)
    assert len(closures) >= 6
    assert max(closure.min() for closure in closures) <= 0.15, "each closure is seen shut"


def test_the_films_own_speech_is_gone(spoken: list[Image], film: list[Image], actor: VideoActor) -> None:
    shut = view_of(actor)
    still = openings_by_dlib([shut.render(pose) for pose in poses(np.full(FRAMES, -0.004, np.float32))])
    own = openings_by_dlib(film)
    rows = free()
    assert np.std(still[rows]) < 0.4 * np.std(own[rows])


def mouth_patches(actor: VideoActor, frames: list[Image]) -> list[NDArray[np.float32]]:
    """Mouths moved onto each other by the head's own place, so that only what they do is compared."""
    patches = []
    for k, frame in enumerate(frames):
        tracked = actor.loop.tracked
        corners = actor.loop.tracked.scale[k] * (
            np.array([[-0.4, 0.5, -0.25], [0.4, 0.5, -0.25], [-0.4, 1.1, -0.25]]) @ tracked.turn[k].T
        )
        at = (corners + tracked.shift[k])[:, :2].astype(np.float32)
        matrix = cv2.getAffineTransform(at, np.array([[0, 0], [64, 0], [0, 48]], np.float32))
        patches.append(cv2.warpAffine(frame, matrix, (64, 48), flags=cv2.INTER_AREA).astype(np.float32))
    return patches


def test_the_mouth_never_jumps_more_than_the_film_itself_does(
    actor: VideoActor, spoken: list[Image], film: list[Image]
) -> None:
    def jumps(frames: list[Image]) -> NDArray[np.float64]:
        patches = mouth_patches(actor, frames)
        pairs = zip(patches[:-1], patches[1:], strict=True)
        steps = np.array([np.abs(a - b).mean() for a, b in pairs])
        return np.delete(steps, [k - 1 for k in (*HIDDEN, HIDDEN.stop)])

    assert jumps(spoken).max() <= 1.1 * np.percentile(jumps(film), 99)


def test_the_lips_colour_flickers_no_more_than_the_persons_own(
    actor: VideoActor, spoken: list[Image], film: list[Image]
) -> None:
    tracked, wanted = actor.loop.tracked, poses(speaking())

    def changes(frames: list[Image], anew: bool) -> float:
        colours = []
        for k in free():
            points = tracked.points[k, :, :2]
            if anew:
                points = actor.warping.target(k, actor.warping.face.shape(wanted[k].mouth))[0].astype(np.float32)
            colours.append(lips_colour(frames[k], points))
        return float(np.abs(np.diff(colours, axis=0)).mean())

    assert changes(spoken, anew=True) <= changes(film, anew=False)


def test_no_seam_stands_out_from_the_persons_skin(actor: VideoActor, spoken: list[Image], film: list[Image]) -> None:
    """Slopes across the ring in which the mouth is laid in, against the film's own in the same ring."""

    def slopes(frame: Image, k: int) -> float:
        points = actor.warping.target(k, actor.warping.face.shape(poses(speaking())[k].mouth))[0]
        lips = points[[61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91]].astype(np.float32)
        centre = lips.mean(0)
        ring = np.zeros(frame.shape[:2], np.uint8)
        for grown, value in ((1.6, 255), (1.25, 0)):
            hull = cv2.convexHull(centre + (lips - centre) * np.float32(grown))
            cv2.fillPoly(ring, [hull.astype(np.int32)], (value,))
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
        slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
        return float(np.percentile(slope[ring > 0], 90))

    rows = free()[::3]
    new, own = ([slopes(frames[k], k) for k in rows] for frames in (spoken, film))
    assert np.mean(new) < 1.15 * np.mean(own)
    assert np.max(new) < 1.1 * np.max(own)


def test_a_player_gives_the_same_frames_in_any_order(actor: VideoActor, film: list[Image]) -> None:
    player = Player(actor.films.base, FRAMES)
    for k in (0, 1, 2, 60, 61, 5, 89, 0, 30, 30, FRAMES + 3, 77):
        assert np.array_equal(player.frame(k), film[k % FRAMES])
    small = Player(actor.films.base, FRAMES, size=(192, 192)).frame(10)
    assert small.shape == (192, 192, 3)
    expected = cv2.resize(film[10], (192, 192), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - expected).mean() < 3


def test_a_damaged_film_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "base.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(500))
    with pytest.raises(InputError, match="damaged"):
        Player(tmp_path / "base.mp4", 10).frame(0)


@pytest.mark.parametrize("grey", [False, True])
def test_a_part_of_a_film_is_what_is_cut_from_all_of_it(actor: VideoActor, grey: bool) -> None:
    film = actor.films.alpha if grey else actor.films.base
    assert film is not None
    part = Part(left=64, top=96, width=256, height=192)
    whole, only = Player(film, FRAMES, grey=grey), Player(film, FRAMES, grey=grey, part=part)
    half = Player(film, FRAMES, grey=grey, size=(SIDE // 2, SIDE // 2))
    smaller = Player(film, FRAMES, grey=grey, size=(128, 96), part=part)
    for number in (0, 10, 30):
        assert np.array_equal(only.frame(number), whole.frame(number)[96:288, 64:320])
        apart = cv2.absdiff(smaller.frame(number), half.frame(number)[48:144, 32:160])
        assert apart[2:-2, 2:-2].max() <= 2, "but for the edge, where the filter sees no neighbours"


def test_a_film_that_is_smaller_than_its_twin_says_is_damaged(actor: VideoActor) -> None:
    outside = Part(left=SIDE - 64, top=0, width=128, height=128)
    with pytest.raises(InputError) as refused:
        Player(actor.films.base, FRAMES, part=outside).frame(0)
    assert refused.value.code == "twin_unreadable"


def test_the_same_poses_give_the_same_frames_and_a_jump_is_a_cut(actor: VideoActor, spoken: list[Image]) -> None:
    again = view_of(actor)
    for pose in poses(speaking())[:12]:
        assert np.array_equal(again.render(pose), spoken[pose.tick])
    first = poses(speaking())[0]
    assert np.array_equal(again.render(replace(first, tick=FRAMES)), spoken[0]), "the loop begins anew"


def test_a_person_stands_over_another_ground_to_the_pixel(actor: VideoActor) -> None:
    ground = np.zeros((SIDE, SIDE, 3), np.uint8)
    ground[:] = (10, 200, 30)
    shown, alone = view_of(actor, background=ground), view_of(actor, cutout=True)
    pose = poses(speaking())[3]
    frame, cutout = shown.render(pose), alone.render_cutout(pose)
    mask = drawn_mask()
    outside = cv2.dilate(mask, np.ones((9, 9), np.uint8)) == 0
    inside = cv2.erode(mask, np.ones((9, 9), np.uint8)) == 255
    assert np.abs(frame[outside].astype(int) - (10, 200, 30)).max() <= 8
    assert np.array_equal(cutout[..., 3] > 128, mask > 128)
    assert np.abs(frame[inside].astype(int) - cutout[inside, :3]).max() <= 6
    with pytest.raises(ValueError, match="cutout"):
        shown.render_cutout(pose)
    shown.close()
    alone.close()


def test_on_a_canvas_the_person_lies_where_the_layout_says(actor: VideoActor) -> None:
    size, box = Size(640, 360), PixelBox(left=-60, top=40, right=324, bottom=424)
    ground = np.full((360, 640, 3), 90, np.uint8)
    stage = Stage(actor, size, box, ground, VideoView)
    frame = stage.render(poses(speaking())[4])
    alone = view_of(actor, cutout=True).render_cutout(poses(speaking())[4])
    assert frame.shape == (360, 640, 3)
    assert (frame[:, 330:] == 90).all()
    person = alone[10:310, 70:380]
    sure = person[..., 3] == 255
    assert np.abs(frame[50:350, 10:320][sure].astype(int) - person[..., :3][sure]).mean() < 1.0
    stage.close()


def test_a_twin_without_a_mask_refuses_another_ground(actor: VideoActor) -> None:
    bare = VideoActor(Films(base=actor.films.base), (SIDE, SIDE), actor.loop, actor.neutral, actor.bank)
    with pytest.raises(PictureError, match="without cutting") as refused:
        view_of(bare, cutout=True)
    assert refused.value.code == "person_not_found"


def test_a_mouth_that_was_never_seen_open_is_painted_inside(actor: VideoActor) -> None:
    silent = replace(actor.bank, controls=np.zeros_like(actor.bank.controls))
    shown = view_of(VideoActor(actor.films, (SIDE, SIDE), actor.loop, actor.neutral, silent))
    made = [shown.render(pose) for pose in poses(speaking())]
    seen, rows = openings_by_dlib(made), free()
    assert np.corrcoef(seen[rows], np.maximum(speaking()[rows], 0))[0, 1] > 0.8


def test_a_painted_inside_follows_the_light_of_the_clip(actor: VideoActor) -> None:
    silent = replace(actor.bank, controls=np.zeros_like(actor.bank.controls))
    light = silent.light.copy()
    light[60] *= np.array([0.6, 0.6, 0.7], np.float32)
    wide = Pose(mouth=poses(np.full(1, 0.13, np.float32))[0].mouth, tick=60)
    frames = []
    for bank in (silent, replace(silent, light=light)):
        view = view_of(VideoActor(actor.films, (SIDE, SIDE), actor.loop, actor.neutral, bank))
        frames.append(view.render(wide).astype(float))
        view.close()
    changed = (np.abs(frames[0] - frames[1]) > 1).any(-1)
    assert changed.sum() > 60
    ratio = frames[1][changed].sum(0) / frames[0][changed].sum(0)
    assert ratio == pytest.approx([0.6, 0.6, 0.7], abs=0.08)


def test_frames_of_any_rate_and_size_go_on_with_the_film(actor: VideoActor, film: list[Image]) -> None:
    fast = VideoView(actor, SIZE, place(SIDE, SIDE, SIZE, Fit.CROP), fps=50.0)
    for tick in (0, 1, 2, 3, 41, 2 * FRAMES):
        frame = fast.render(Pose(tick=tick))
        assert np.array_equal(frame[:60], film[tick // 2 % FRAMES][:60])
    small = view_of(actor, Size(240, 240)).render(Pose(tick=5))
    expected = cv2.resize(film[5], (240, 240), interpolation=cv2.INTER_AREA)
    assert np.abs(small[:40].astype(int) - expected[:40]).mean() < 3


def test_a_shot_is_framed_by_the_face_of_the_film(actor: VideoActor) -> None:
    box = face_box(actor)
    assert 0 < box.left < box.right < SIDE
    assert actor.picture.shape == (SIDE, SIDE, 3)
    assert actor.layered
    assert actor.memory_bytes > actor.bank.crops.nbytes


def test_twins_clips_and_pictures_are_told_by_content(actor: VideoActor, tmp_path: Path, portraits: Path) -> None:
    disguised = tmp_path / "photo.png"
    disguised.write_bytes(actor.films.base.read_bytes())
    assert is_clip(disguised)
    assert not is_twin(disguised)
    assert not is_clip(portraits / "man-glasses.jpg")
    assert not is_clip(tmp_path / "nothing.mp4")
    zipped = tmp_path / "some.twin"
    zipped.write_bytes(b"PK\x03\x04" + bytes(100))
    assert not is_twin(zipped)


def test_the_skin_of_a_trained_model_moved_live_but_not_in_files(actor: VideoActor) -> None:
    own = np.zeros(OWN_SHAPE, np.int8)
    own[Mouth.OPEN, :, 1] = 40
    style = SpeakingStyle(own=own.tobytes())
    mouth = np.zeros(len(Mouth), np.float32)
    mouth[Mouth.OPEN] = 0.1
    shown = []
    for options in (SpeakOptions(size=SIZE), SpeakOptions(size=SIZE, style=style)):
        view = filmed_view(actor, options)
        shown.append(view.render(Pose(mouth=mouth)).astype(int))
        view.close()
    assert np.abs(shown[0] - shown[1]).max() > 20
