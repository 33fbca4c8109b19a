"""Marks in real videos: in every frame, in the right place, the sound and the times untouched."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from avatarium.engine.video import VideoWriter, probe, read_frames, read_sound
from avatarium.engine.watermark import LogoMark, Position, TextMark, video_ending, watermark_video
from avatarium.errors import AvatariumError, InputError, OptionError, PictureError

MARK = TextMark(text="Made with AI", fontsize=32)
BLOCK = TextMark(text="\u2588\u2588", fontsize=64, fontcolor=(220, 30, 30, 255), position=Position.TOP_LEFT)


@pytest.fixture(scope="session")
def videos(media: Path) -> Path:
    """People who talk."""
    return media / "talking-videos"


def _make(
    path: Path, *, size: tuple[int, int] = (320, 240), count: int = 12, codec: str = "libx264", **more: object
) -> Path:
    """A small film made by FFmpeg alone, without sound: grey that grows lighter."""
    times = more.get("times", range(count))
    assert isinstance(times, range | list)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = str(more.get("pixels", "yuv420p"))
        if isinstance(aspect := more.get("aspect"), Fraction):
            stream.codec_context.sample_aspect_ratio = aspect
        stream.codec_context.time_base = Fraction(1, 1000) if "times" in more else Fraction(1, 25)
        for number, at in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.full((*size[::-1], 3), 60 + 5 * number, np.uint8), format="rgb24")
            frame = frame.reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = at, stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0) if frame.time is not None]


def _marked_box(before: NDArray[np.uint8], after: NDArray[np.uint8], least: int = 40) -> tuple[int, int, int, int]:
    differs = np.abs(after.astype(int) - before).max(axis=2) > least
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@pytest.mark.parametrize("name", ["woman-blue-700.mp4", "man-suit-700.mp4"])
def test_a_talking_video_keeps_its_sound_and_times_to_the_sample(videos: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "marked.mp4"
    watermark_video(videos / name, out, MARK)
    before, after = probe(videos / name), probe(out)
    assert (after.width, after.height, after.fps) == (before.width, before.height, before.fps)
    assert after.picture_s == pytest.approx(before.picture_s, abs=1e-3)
    assert _times(out) == pytest.approx(_times(videos / name), abs=1e-4)
    assert np.array_equal(read_sound(out, 48000).samples, read_sound(videos / name, 48000).samples)


@pytest.mark.parametrize(("name", "ending"), [("grid-bbaf2n.mpg", ".mp4"), ("woman-flag-590.mp4", ".webm")])
def test_sound_that_is_encoded_anew_stays_in_its_place(videos: Path, tmp_path: Path, name: str, ending: str) -> None:
    out = tmp_path / f"marked{ending}"
    watermark_video(videos / name, out, MARK)
    before, after = (read_sound(path, 16000).samples for path in (videos / name, out))
    assert len(after) == pytest.approx(len(before), abs=16000 * 0.03)
    for part in (slice(0, 16000), slice(len(before) - 20000, len(before) - 4000)):
        pieces = [samples[part] - samples[part].mean() for samples in (before, after)]
        shift = int(np.correlate(pieces[1], pieces[0], "full").argmax()) - (len(pieces[0]) - 1)
        assert abs(shift) <= 16  # a millisecond
    assert len(list(read_frames(out))) == len(list(read_frames(videos / name)))


@pytest.mark.long
def test_the_mark_is_in_every_frame_and_nowhere_else(videos: Path, tmp_path: Path) -> None:
    out = tmp_path / "marked.mp4"
    watermark_video(videos / "woman-blue-700.mp4", out, BLOCK)
    for before, after in zip(read_frames(videos / "woman-blue-700.mp4"), read_frames(out), strict=True):
        assert after[60, 60].tolist() == pytest.approx([220, 30, 30], abs=12)
        rest = np.abs(after.astype(int) - before).max(axis=2)
        rest[20:130, 20:150] = 0  # where the mark lies
        assert rest.mean() < 2.5 and np.quantile(rest, 0.999) < 30


@pytest.mark.parametrize("tagged", ["bt709", "smpte170m"])
def test_colours_are_right_by_either_matrix(tmp_path: Path, tagged: str) -> None:
    source, out = tmp_path / "source.mp4", tmp_path / "marked.mp4"
    if tagged == "bt709":
        with VideoWriter(source, width=320, height=240, rate=None) as writer:
            for _ in range(5):
                writer.write(np.full((240, 320, 3), (40, 90, 160), np.uint8))
    else:
        _make(source)
    for colour in ((220, 30, 30, 255), (20, 200, 40, 255), (30, 40, 230, 255), (255, 255, 255, 255)):
        watermark_video(
            source, out, TextMark(text="\u2588\u2588", fontsize=80, fontcolor=colour, position=Position.CENTER)
        )
        frame = next(iter(read_frames(out)))
        assert frame[118:122, 140:150].reshape(-1, 3).mean(axis=0) == pytest.approx(colour[:3], abs=4)


def test_a_variable_rate_stays_variable(tmp_path: Path) -> None:
    times = [0, 40, 55, 300, 310, 900, 940, 2000]
    source, out = _make(tmp_path / "source.mp4", times=times), tmp_path / "marked.mp4"
    watermark_video(source, out, MARK)
    assert _times(out) == pytest.approx([at / 1000 for at in times], abs=1e-4)
    assert 2.0 < probe(out).duration_s < 2.2


def test_a_film_without_sound_stays_one(videos: Path, tmp_path: Path) -> None:
    out = tmp_path / "marked.mp4"
    watermark_video(videos / "man-greenscreen-512.mp4", out, MARK)
    assert probe(out).sound is None and probe(out).frames == 78


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_film_is_marked_upright(tmp_path: Path, turn: int) -> None:
    plain, turned, out = _make(tmp_path / "plain.mp4"), tmp_path / "turned.mp4", tmp_path / "marked.mp4"
    turned.write_bytes(_turn(plain.read_bytes(), turn))
    facts = probe(turned)
    assert facts.rotation % 180 == turn % 180 and facts.rotation
    watermark_video(turned, out, BLOCK)
    made = probe(out)
    assert (made.rotation, made.width, made.height) == (0, facts.width, facts.height)
    frame = next(iter(read_frames(out)))
    assert frame[40, 40].tolist() == pytest.approx([220, 30, 30], abs=14)
    assert frame[-40, -40].tolist() == pytest.approx([60, 60, 60], abs=6)


def _turn(film: bytes, degrees: int) -> bytes:
    """Put a rotation into the track's matrix (ISO/IEC 14496-12, section 8.3.2)."""
    at = film.index(b"tkhd") + 4 + 40
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    rows = (cos, sin, 0, -sin, cos, 0, 0, 0)
    matrix = b"".join((value << 16).to_bytes(4, "big", signed=True) for value in rows) + (1 << 30).to_bytes(4, "big")
    return film[:at] + matrix + film[at + 36 :]


def test_oblong_pixels_come_out_square(tmp_path: Path) -> None:
    source, out = _make(tmp_path / "source.mp4", aspect=Fraction(4, 3)), tmp_path / "marked.mp4"
    watermark_video(source, out, BLOCK)
    assert (probe(source).width, probe(out).width, probe(out).height) == (426, 426, 240)
    with av.open(str(out)) as made:
        assert made.streams.video[0].codec_context.width == 426
    box = _marked_box(np.full((240, 426, 3), 60, np.uint8), next(iter(read_frames(out))))
    assert (box[2] - box[0]) / (box[3] - box[1]) == pytest.approx(1.45, abs=0.25)


def test_odd_sides_lose_nothing(tmp_path: Path) -> None:
    source = _make(tmp_path / "source.mkv", size=(321, 239), codec="ffv1", pixels="yuv444p")
    out = tmp_path / "marked.mp4"
    watermark_video(source, out, TextMark(text="AI", position=Position.BOTTOM_RIGHT))
    assert (probe(out).width, probe(out).height) == (322, 240)
    last = next(iter(read_frames(out)))[-1]
    assert np.abs(last.astype(int) - 60).max() <= 4


def test_a_clear_webm_stays_clear(tmp_path: Path) -> None:
    source, out = tmp_path / "source.webm", tmp_path / "marked.webm"
    with VideoWriter(source, width=320, height=240, rate=None, alpha=True) as writer:
        for _ in range(6):
            picture = np.zeros((240, 320, 4), np.uint8)
            picture[120:, :, :] = (40, 90, 160, 255)
            writer.write_alpha(picture)
    assert video_ending(source) == ".webm"
    watermark_video(source, out, BLOCK)
    assert probe(out).alpha
    picture = _rgba(out)
    assert picture[40, 40].tolist() == pytest.approx([220, 30, 30, 255], abs=14)
    assert picture[60, 280, 3] <= 2 and picture[200, 160].tolist() == pytest.approx([40, 90, 160, 255], abs=8)
    with pytest.raises(OptionError) as caught:
        watermark_video(source, tmp_path / "marked.mp4", BLOCK)
    assert caught.value.code == "output_alpha"


def _rgba(path: Path) -> NDArray[np.uint8]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        assert isinstance(decoder, av.VideoCodecContext)
        for packet in container.demux(stream):
            for frame in decoder.decode(packet if packet.size else None):
                return np.asarray(frame.to_ndarray(format="rgba"))
    raise AssertionError("no frame")


def test_720p_scales_a_tall_film_down_and_a_small_one_not(videos: Path, tmp_path: Path) -> None:
    out = tmp_path / "marked.mp4"
    watermark_video(_make(tmp_path / "tall.mp4", size=(1080, 1920), count=3), out, MARK, to_720p=True)
    assert (probe(out).width, probe(out).height) == (720, 1280)
    watermark_video(_make(tmp_path / "small.mp4", count=3), out, MARK, to_720p=True)
    assert (probe(out).width, probe(out).height) == (320, 240)


def test_it_plays_while_it_loads_and_the_same_input_gives_the_same_bytes(videos: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    for out in (first, second):
        watermark_video(videos / "grid-bbaf2n.mpg", out, MARK)
    content = first.read_bytes()
    assert content == second.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_progress_grows_to_one_and_stopping_leaves_nothing(videos: Path, tmp_path: Path) -> None:
    told: list[float] = []
    out = tmp_path / "marked.mp4"
    watermark_video(videos / "grid-bbaf2n.mpg", out, MARK, progress=told.append)
    assert told == sorted(told) and told[-1] == 1.0 and len(told) > 20
    out.unlink()

    def stop(share: float) -> None:
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watermark_video(videos / "grid-bbaf2n.mpg", out, MARK, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_logo_in_a_video(videos: Path, tmp_path: Path) -> None:
    logo, out = tmp_path / "logo.png", tmp_path / "marked.mp4"
    Image.new("RGB", (100, 100), (250, 220, 10)).save(logo)
    watermark_video(videos / "man-greenscreen-512.mp4", out, LogoMark(path=logo, position=Position.TOP_RIGHT))
    # 0.18 of 512, at a margin of 0.03.
    assert next(iter(read_frames(out)))[15 + 46, 512 - 15 - 46].tolist() == pytest.approx([250, 220, 10], abs=8)


def _refused(
    path: Path, tmp_path: Path, kind: type[AvatariumError] = InputError, mark: TextMark | LogoMark = MARK
) -> str:
    out = tmp_path / "out" / "marked.mp4"
    out.parent.mkdir(exist_ok=True)
    with pytest.raises(kind) as caught:
        watermark_video(path, out, mark)
    assert list(out.parent.iterdir()) == []
    return caught.value.code


def test_what_is_no_video_is_refused(media: Path, tmp_path: Path) -> None:
    assert _refused(media / "portraits" / "man-glasses.jpg", tmp_path) == "video_unreadable"
    assert _refused(media / "speech" / "en-jfk.flac", tmp_path) == "video_no_picture"
    assert _refused(tmp_path / "none.mp4", tmp_path) == "video_missing"
    playlist = tmp_path / "list.mp4"
    playlist.write_text("ffconcat version 1.0\nfile other.mp4\n")
    assert _refused(playlist, tmp_path) == "video_unreadable"


def test_a_film_without_frames_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    with av.open(str(empty), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()
    assert _refused(empty, tmp_path) in ("video_unreadable", "video_no_picture")


def test_a_truncated_film_is_refused(videos: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    watermark_video(videos / "woman-blue-700.mp4", whole, MARK)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert _refused(cut, tmp_path) in ("video_truncated", "video_unreadable")
    cut.write_bytes((videos / "woman-idle-720p.mp4").read_bytes()[:300_000])
    assert _refused(cut, tmp_path) in ("video_truncated", "video_unreadable")


def test_a_logo_that_is_a_video_is_refused(videos: Path, tmp_path: Path) -> None:
    mark = LogoMark(path=videos / "man-glasses-480.mp4")
    assert _refused(videos / "man-glasses-480.mp4", tmp_path, PictureError, mark) == "picture_format"


@pytest.mark.long
def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    peaks = []
    for count in (50, 300):
        source = _make(tmp_path / f"{count}.mp4", count=count, size=(640, 360))
        code = (
            "import resource, sys; from avatarium.engine.watermark import *; "
            "watermark_video(sys.argv[1], sys.argv[2], TextMark(text='AI')); "
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        command = [sys.executable, "-c", code, str(source), str(tmp_path / "marked.mp4")]
        peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout))
    assert peaks[1] < peaks[0] + 40_000
