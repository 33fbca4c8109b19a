"""Reading the frames of videos of every shape, and telling what a file is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatarium.engine.video import VideoWriter, probe, read_frames, read_sound
from avatarium.errors import AudioError, InputError

MEDIA = Path(os.environ.get("AVATARIUM_TEST_MEDIA", Path(__file__).parents[5] / "shared" / "media"))


def grey(level: int, width: int = 64, height: int = 48) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, value in zip(frame.planes, (level, 128, 128), strict=True):
        np.frombuffer(memoryview(plane), np.uint8)[:] = value
    return frame


def save(
    path: Path,
    frames: Sequence[av.VideoFrame],
    times: Sequence[int] | None = None,
    *,
    rate: int = 25,
    rotation: float = 0.0,
    shape: Fraction | None = None,
    colour: tuple[int, int] = (2, 0),
    base: Fraction | None = None,
) -> Path:
    """Encode frames with PyAV at times in units of ``base``; ``colour`` is the matrix and the range."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "4", "bf": "0"})
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        context.time_base = base or Fraction(1, rate)
        context.colorspace, context.color_range = colour
        if shape:
            context.sample_aspect_ratio = shape
        if rotation:
            stream.set_display_rotation(rotation)
        for index, frame in enumerate(frames):
            frame.pts, frame.time_base = (times[index] if times else index), context.time_base
            frame.colorspace, frame.color_range = colour
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def levels(path: Path, **options: int) -> list[int]:
    return [round(float(frame.mean())) for frame in read_frames(path, **options)]


def ramp(count: int) -> list[av.VideoFrame]:
    return [grey(16 + 219 * index // count) for index in range(count)]


def expected(index: int, count: int) -> float:
    return (219 * index // count) * 255 / 219


def test_a_constant_file_comes_out_frame_by_frame(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mp4", ramp(50))
    assert levels(path) == pytest.approx([expected(index, 50) for index in range(50)], abs=2)


@pytest.mark.parametrize(("rate", "asked"), [(30, 25), (25, 30), (50, 25), (24, 50), (30, 30)])
def test_another_rate_shows_what_is_seen_at_each_instant(rate: int, asked: int, tmp_path: Path) -> None:
    path = save(tmp_path / "a.mp4", ramp(2 * rate), rate=rate)
    seen = [min(int((index + 0.5) / asked * rate), 2 * rate - 1) for index in range(2 * asked)]
    assert levels(path, fps=asked) == pytest.approx([expected(index, 2 * rate) for index in seen], abs=2)


def test_a_variable_rate_comes_out_constant(tmp_path: Path) -> None:
    """A phone's recording: frames at 0, 40, 200, 240, 600 and 640 ms."""
    times = [0, 40, 200, 240, 600, 640]
    path = save(tmp_path / "a.mkv", ramp(6), times, base=Fraction(1, 1000))
    shown = [max(i for i, at in enumerate(times) if at <= instant * 40 + 20) for instant in range(17)]
    assert levels(path, fps=25)[:17] == pytest.approx([expected(index, 6) for index in shown], abs=2)


def test_a_picture_that_starts_late_is_shown_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "late.mkv"
    with av.open(path, "w") as container:
        track = container.add_stream("flac", rate=24000, layout="mono")
        picture = container.add_stream("libx264", rate=25, options={"bf": "0"})
        assert isinstance(picture, VideoStream)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = av.AudioFrame.from_ndarray(np.ones((1, 24000), np.int16), "s16", "mono")
        sound.sample_rate, sound.pts = 24000, 0
        container.mux(track.encode(sound))
        container.mux(track.encode(None))
        for index, frame in enumerate(ramp(20)):
            frame.pts, frame.time_base = index + 5, Fraction(1, 25)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
    seen = [expected(max(0, index - 5), 20) for index in range(25)]
    assert levels(path) == pytest.approx(seen, abs=3)


def corner(path: Path) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Shape of the first frame and the quarter that is bright (row, column)."""
    frame = next(iter(read_frames(path)))
    height, width = frame.shape[:2]
    quarters = frame.reshape(2, height // 2, 2, width // 2, 3).mean(axis=(1, 3, 4))
    row, column = np.unravel_index(int(quarters.argmax()), (2, 2))
    return frame.shape, (int(row), int(column))


def bright_top_left() -> av.VideoFrame:
    frame = grey(40)
    luma = frame.planes[0]
    np.frombuffer(memoryview(luma), np.uint8).reshape(-1, luma.line_size)[:24, :32] = 230
    return frame


@pytest.mark.parametrize(
    ("degrees", "shape", "place"),
    [(0, (48, 64, 3), (0, 0)), (90, (64, 48, 3), (1, 0)), (180, (48, 64, 3), (1, 1)), (-90, (64, 48, 3), (0, 1))],
)
def test_rotation_is_applied(degrees: int, shape: tuple[int, ...], place: tuple[int, int], tmp_path: Path) -> None:
    """The display matrix turns anticlockwise: a bright top left corner goes down the left side with 90 degrees."""
    path = save(tmp_path / "a.mp4", [bright_top_left()] * 3, rotation=degrees)
    assert corner(path) == (shape, place)
    facts = probe(path)
    assert (facts.height, facts.width) == shape[:2]
    assert facts.rotation == degrees % 360


def test_oblong_pixels_become_square(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mp4", [bright_top_left()] * 3, shape=Fraction(16, 11))
    assert corner(path) == ((48, 94, 3), (0, 0))
    assert (probe(path).width, probe(path).height) == (94, 48)


def red(y: int, u: int, v: int, width: int = 64, height: int = 48) -> av.VideoFrame:
    frame = grey(y, width, height)
    for plane, value in zip(frame.planes[1:], (u, v), strict=True):
        np.frombuffer(memoryview(plane), np.uint8)[:] = value
    return frame


@pytest.mark.parametrize(
    ("frame", "colour"),
    [
        (red(63, 102, 240), (1, 1)),  # BT.709, limited
        (red(81, 90, 240), (6, 1)),  # BT.601
        (red(81, 90, 240), (5, 1)),
        (red(81, 90, 240), (2, 0)),  # nothing told, small: BT.601
        (red(54, 99, 255), (1, 2)),  # full range
        (red(63, 102, 240, 1280, 720), (2, 0)),  # nothing told, large: BT.709
    ],
)
def test_colours_follow_the_tags(frame: av.VideoFrame, colour: tuple[int, int], tmp_path: Path) -> None:
    path = save(tmp_path / "a.mp4", [frame] * 2, colour=colour)
    shown = next(iter(read_frames(path)))
    assert np.abs(shown[20, 20].astype(int) - (255, 0, 0)).max() <= 4


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    rng = np.random.default_rng(0)
    smooth = np.kron(rng.integers(30, 226, (6, 8, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    with VideoWriter(path, width=128, height=96, fps=30, rate=24000, title="A film") as writer:
        for index in range(30):
            writer.write(np.roll(smooth, index * 2, axis=1))
        writer.write_sound(np.zeros(24000, np.float32))
    frames = list(read_frames(path))
    assert len(frames) == 30
    for index in (0, 15, 29):
        assert np.abs(frames[index].astype(int) - np.roll(smooth, index * 2, axis=1)).mean() < 6
    facts = probe(path)
    assert (facts.width, facts.height, float(facts.fps), facts.frames, facts.rotation) == (128, 96, 30.0, 30, 0)
    assert (facts.container, facts.codec, facts.title, facts.alpha) == ("mov", "h264", "A film", False)
    assert facts.duration_s == pytest.approx(1.0, abs=0.001)
    assert facts.sound is not None
    assert (facts.sound.codec, facts.sound.rate, facts.sound.channels) == ("aac", 48000, 1)


def test_frames_are_the_callers_own(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mp4", ramp(4))
    frames: list[NDArray[np.uint8]] = []
    for frame in read_frames(path, fps=50):
        frames.append(frame.copy())
        frame[:] = 255
    assert [round(float(frame.mean())) for frame in frames] == pytest.approx(
        [expected(index // 2, 4) for index in range(8)], abs=3
    )


def code_of(path: Path, **options: float) -> str:
    with pytest.raises(InputError) as caught:
        list(read_frames(path, **options))  # type: ignore[arg-type]
    assert caught.value.message.endswith(".")
    return caught.value.code


def test_files_that_are_no_video(tmp_path: Path) -> None:
    assert code_of(tmp_path / "none.mp4") == "video_missing"
    assert code_of(tmp_path) == "video_unreadable"
    (tmp_path / "text.mp4").write_text("ffconcat version 1.0\nfile a.mp4\n")
    assert code_of(tmp_path / "text.mp4") == "video_unreadable"
    whole = save(tmp_path / "a.mp4", ramp(20)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[:-200])
    assert code_of(tmp_path / "cut.mp4") == "video_unreadable"
    with pytest.raises(InputError):
        probe(tmp_path / "cut.mp4")


def test_a_sound_file_has_no_picture(tmp_path: Path) -> None:
    with av.open(tmp_path / "a.m4a", "w") as container:
        stream = container.add_stream("aac", rate=24000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2400), np.float32), "fltp", "mono")
        frame.sample_rate = 24000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert code_of(tmp_path / "a.m4a") == "video_no_picture"


def test_too_long_and_holes_of_hours_are_bounded(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mkv", ramp(3), [0, 40, 36_000_000], base=Fraction(1, 1000))
    assert code_of(path, max_s=5) == "video_too_long"


@pytest.mark.skipif(not MEDIA.is_dir(), reason=f"the test media are not at {MEDIA}")
@pytest.mark.parametrize(
    ("name", "fps", "frames"),
    [("man-suit-700.mp4", 25, 153), ("woman-flag-512.mp4", 25, 200), ("grid-bbaf2n.mpg", 25, 75)],
)
def test_real_videos_last_as_long_as_they_should(name: str, fps: int, frames: int) -> None:
    """The first is of variable rate: 135 frames in 6.1 s."""
    count = sum(1 for _ in read_frames(MEDIA / "talking-videos" / name, fps=fps))
    assert count == pytest.approx(frames, abs=1)


def small_film(path: Path) -> bytes:
    with VideoWriter(path, width=64, height=64, rate=24000) as writer:
        for level in range(10):
            writer.write(np.full((64, 64, 3), 20 * level, np.uint8))
        writer.write_sound(np.sin(np.arange(9600, dtype=np.float32) / 10) * np.float32(0.3))
    return path.read_bytes()


def test_a_codec_that_nobody_knows_is_no_crash(tmp_path: Path) -> None:
    """Found by damaging files at random: PyAV then gives a stream without a decoder."""
    data = small_film(tmp_path / "a.webm")
    path = tmp_path / "b.webm"
    path.write_bytes(data.replace(b"V_VP9", b"V_XY9").replace(b"A_OPUS", b"A_XYUS"))
    assert code_of(path) == "video_unreadable"
    with pytest.raises(AudioError) as caught:
        read_sound(path)
    assert caught.value.code == "sound_unreadable"


@pytest.mark.parametrize("ending", ["mp4", "webm"])
def test_damaged_files_raise_nothing_but_our_errors(ending: str, tmp_path: Path) -> None:
    data = small_film(tmp_path / f"a.{ending}")
    path = tmp_path / "damaged"
    rng = np.random.default_rng(7)
    for _ in range(60):
        damaged = bytearray(data[: rng.integers(len(data) // 2, len(data))] if rng.random() < 0.3 else data)
        for at in rng.integers(0, len(damaged), 8):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        with contextlib.suppress(InputError):
            assert all(frame.ndim == 3 for frame in read_frames(path, max_s=5))
        with contextlib.suppress(AudioError):
            assert read_sound(path, max_s=5).samples.ndim == 1
        with contextlib.suppress(InputError):
            assert probe(path).duration_s >= 0
