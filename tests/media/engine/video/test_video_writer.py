"""Written files, judged by decoding them: colours, alignment, alpha, memory, and what is left after a failure."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from avatarium.engine.video import EncoderOptions, VideoKind, VideoWriter, probe
from avatarium.errors import AvatariumError, OptionError, OutputError

RATE = 24000
SIZE = 128
COLOURS = [
    (255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255), (255, 0, 0), (0, 0, 255), (0, 0, 0),
    (128, 128, 128), (235, 200, 178), (198, 150, 120), (96, 62, 48), (20, 24, 30), (60, 120, 70), (10, 80, 160),
]  # fmt: skip


def plain(colour: tuple[int, int, int] = (90, 120, 150), size: int = SIZE) -> NDArray[np.uint8]:
    return np.full((size, size, 3), colour, np.uint8)


def write(path: Path, frames: int = 25, *, sound: bool = True, options: EncoderOptions | None = None) -> None:
    """A moving square and a tone."""
    with VideoWriter(path, width=SIZE, height=SIZE, rate=RATE if sound else None, options=options) as writer:
        for index in range(frames):
            frame = plain()
            frame[20:60, index % 60 : index % 60 + 40] = (200, 60, 40)
            writer.write(frame)
        if sound:
            at = np.arange(frames * RATE // 25) / RATE
            writer.write_sound((0.3 * np.sin(2 * np.pi * 440 * at)).astype(np.float32))


def bt709_to_rgb(frame: av.VideoFrame) -> NDArray[np.float64]:
    """The inverse of BT.709 limited range, by its formula and not by a converter, chroma repeated."""
    planes = [np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size) for plane in frame.planes]
    height, width = frame.height, frame.width
    luma = (planes[0][:height, :width].astype(np.float64) - 16) / 219
    blue, red = (
        (plane[: height // 2, : width // 2].repeat(2, 0).repeat(2, 1).astype(np.float64) - 128) / 224
        for plane in planes[1:3]
    )
    r, b = luma + 1.5748 * red, luma + 1.8556 * blue
    return np.asarray(np.stack((r, (luma - 0.2126 * r - 0.0722 * b) / 0.7152, b), axis=2) * 255)


@pytest.mark.parametrize("ending", ["mp4", "webm"])
def test_colours_come_back(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"bars.{ending}"
    bars = np.repeat(np.array(COLOURS, np.uint8), 32, axis=0)[None].repeat(64, 0)
    with VideoWriter(path, width=bars.shape[1], height=64, rate=None) as writer:
        for _ in range(10):
            writer.write(bars)
    with av.open(path) as container:
        frame = list(container.decode(video=0))[5]
        by_formula = bt709_to_rgb(frame)
        by_swscale = frame.to_ndarray(format="rgb24")  # honours the tags of the file
    for index, colour in enumerate(COLOURS):
        middle = (32, index * 32 + 16)
        assert np.abs(by_formula[middle] - colour).max() <= 3
        assert np.abs(by_swscale[middle].astype(int) - colour).max() <= 3


@pytest.mark.parametrize("ending", ["mp4", "webm"])
def test_the_file_says_how_its_colours_are_coded(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    write(path)
    facts = probe(path)
    assert facts.colour.bt709
    assert not facts.colour.full_range
    assert not facts.alpha


@pytest.mark.parametrize("ending", ["mp4", "webm"])
@pytest.mark.parametrize("fps", [24, 25, 30, 50])
@pytest.mark.parametrize("rate", [16000, 24000, 44100, 48000])
def test_a_click_and_a_flash_coincide(ending: str, fps: int, rate: int, tmp_path: Path) -> None:
    path = tmp_path / f"clap.{ending}"
    sound = np.zeros(2 * rate, np.float32)
    sound[rate : rate + rate // 200] = 0.8
    with VideoWriter(path, width=SIZE, height=SIZE, fps=fps, rate=rate) as writer:
        writer.write_sound(sound[: rate // 3])
        for index in range(2 * fps):
            writer.write(plain((255, 255, 255) if index == fps else (20, 20, 20)))
            if index == fps // 2:
                writer.write_sound(sound[rate // 3 :])
    with av.open(path) as container:
        times = [frame.time for frame in container.decode(video=0) if frame.to_ndarray(format="gray").mean() > 200]
    with av.open(path) as container:
        pieces = [(frame.time, frame.to_ndarray()[0]) for frame in container.decode(audio=0)]
    clicks = [time + np.flatnonzero(np.abs(x) > 0.3)[0] / 48000 for time, x in pieces if np.abs(x).max() > 0.3]
    assert times == [pytest.approx(1.0, abs=0.0006)]  # WebM counts milliseconds
    assert clicks[0] == pytest.approx(1.0, abs=0.001)


def test_frames_are_evenly_spaced(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", frames=60)
    with av.open(tmp_path / "a.mp4") as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx([index / 25 for index in range(60)], abs=1e-9)


@pytest.mark.parametrize(("frames", "sound_s"), [(50, 2.0), (50, 1.3), (50, 2.31), (1, 3.0), (50, 0.0)])
def test_both_tracks_end_together(frames: int, sound_s: float, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, width=SIZE, height=SIZE, rate=RATE) as writer:
        for _ in range(frames):
            writer.write(plain())
        writer.write_sound(np.full(round(sound_s * RATE), 0.1, np.float32))
    facts = probe(path)
    expected = max(frames / 25, np.ceil(round(sound_s * 25, 6)) / 25)
    assert facts.sound is not None
    assert facts.picture_s == pytest.approx(expected, abs=1e-6)
    assert facts.sound.duration_s == pytest.approx(expected, abs=0.001)


def test_the_last_frame_is_held_while_the_sound_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, width=SIZE, height=SIZE, rate=RATE) as writer:
        writer.write(plain((10, 10, 10)))
        writer.write(plain((200, 50, 50)))
        writer.write_sound(np.zeros(RATE, np.float32))
    with av.open(path) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 25
    assert np.abs(frames[-1][64, 64].astype(int) - (200, 50, 50)).max() <= 3


def test_sound_keeps_its_level_and_pitch(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", frames=50)
    with av.open(tmp_path / "a.mp4") as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])[4800:86400]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert spectrum.argmax() * 48000 / len(sound) == pytest.approx(440, abs=1)
    assert np.sqrt((sound**2).mean()) == pytest.approx(0.3 / 2**0.5, rel=0.03)


def test_mp4_can_be_played_while_it_loads(tmp_path: Path) -> None:
    """The index comes before the media, and sound lies beside its pictures even if it was all written first."""
    path = tmp_path / "a.mp4"
    with VideoWriter(path, width=SIZE, height=SIZE, rate=RATE) as writer:
        writer.write_sound(np.random.default_rng(0).normal(0, 0.1, 20 * RATE).astype(np.float32))
        for _ in range(500):
            writer.write(plain())
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(path) as container:
        picture_s = sound_s = 0.0
        for packet in sorted((p for p in container.demux() if p.dts is not None), key=lambda p: p.pos or 0):
            seconds = float((packet.dts or 0) * packet.time_base)
            if packet.stream.type == "video":
                picture_s = seconds
            else:
                sound_s = seconds
            assert abs(picture_s - sound_s) < 1.5


@pytest.mark.parametrize("ending", ["mp4", "webm"])
def test_the_same_input_gives_the_same_bytes(ending: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.{ending}", frames=80)
    first, second = ((tmp_path / f"{name}.{ending}").read_bytes() for name in ("a", "b"))
    assert first == second
    assert re.search(rb"Lav[fc]\d", first) is None  # the version of the library


def test_key_frames_are_at_most_two_seconds_apart(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", frames=160)
    with av.open(tmp_path / "a.mp4") as container:
        keys = [frame.time for frame in container.decode(video=0) if frame.key_frame]
    assert max(np.diff([*keys, 6.4])) <= 2.0 + 1e-6


def test_title_and_tags(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(
        path, width=SIZE, height=SIZE, rate=None, title="Grüße", metadata={"comment": "made by a machine"}
    ) as writer:
        writer.write(plain())
    assert probe(path).title == "Grüße"
    with av.open(path) as container:
        assert container.metadata["comment"] == "made by a machine"


def decoded_alpha(path: Path) -> Iterator[NDArray[np.uint8]]:
    """FFmpeg's own VP9 decoder leaves alpha out; libvpx decodes it."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        for packet in container.demux(stream):
            for frame in decoder.decode(packet):
                assert isinstance(frame, av.VideoFrame)
                plane = frame.planes[3]
                yield np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:, : frame.width]


def test_alpha_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    alpha = np.tile(np.linspace(0, 255, 256), (256, 1)).astype(np.uint8)
    alpha[:64] = 0
    alpha[-64:] = 255
    with VideoWriter(path, width=256, height=256, rate=RATE, alpha=True) as writer:
        for index in range(12):
            rgba = np.dstack((plain((200, 150, 120), 256), alpha if index != 6 else 255 - alpha))
            writer.write_alpha(np.ascontiguousarray(rgba))
        writer.write(plain((0, 0, 0), 256))
        writer.write_sound(np.zeros(RATE // 2, np.float32))
    frames = list(decoded_alpha(path))
    assert len(frames) == 13
    assert np.abs(frames[5].astype(int) - alpha).mean() < 2
    assert np.abs(frames[6].astype(int) - (255 - alpha)).mean() < 2
    assert frames[12].min() >= 248
    assert probe(path).alpha


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    """120 seconds after the first twenty; the sound in step, as a long script is written."""
    process = psutil.Process()
    frame = plain()
    second = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    with VideoWriter(tmp_path / "long.mp4", width=SIZE, height=SIZE, rate=RATE) as writer:
        for index in range(3500):
            if index == 500:
                before = process.memory_info().rss
            if index % 25 == 0:
                writer.write_sound(second)
            frame[index % SIZE, :, 0] = index % 251
            writer.write(frame)
        grown = process.memory_info().rss - before
    # 3000 frames in raw form are 74 MB; what may grow is the index of the file.
    assert grown < 12 * 2**20


def test_all_the_sound_at_once_needs_little_memory(tmp_path: Path) -> None:
    """Five minutes at the rate of the file are 58 MB, which are never there at once."""
    sound = np.zeros(300 * RATE, np.float32)
    with VideoWriter(tmp_path / "a.mp4", width=SIZE, height=SIZE, rate=RATE) as writer:
        tracemalloc.start()
        writer.write_sound(sound)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        writer.write(plain())
    assert peak < 12 * 2**20
    assert probe(tmp_path / "a.mp4").frames == 7500


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("a.mov", {}, "output_format"),
        ("a", {}, "output_format"),
        ("a.mp4", {"alpha": True}, "output_alpha"),
        ("a.mp4", {"width": 129}, "size_odd"),
        ("a.mp4", {"height": 481}, "size_odd"),
        ("a.mp4", {"width": 8}, "size_range"),
        ("a.mp4", {"height": 8192}, "size_range"),
        ("a.mp4", {"fps": 29}, "fps_unknown"),
        ("a.mp4", {"metadata": {"colour": "blue"}}, "metadata_unknown"),
        ("none/a.mp4", {}, "output_folder_missing"),
        ("folder.mp4", {}, "output_is_folder"),
        ("file.txt/a.mp4", {}, "output_folder_missing"),
    ],
)
def test_what_is_refused_before_anything_is_written(
    name: str, options: dict[str, object], code: str, tmp_path: Path
) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file.txt").touch()
    before = sorted(tmp_path.iterdir())
    with pytest.raises((OptionError, OutputError)) as caught:
        VideoWriter(tmp_path / name, **{"width": SIZE, "height": SIZE, "rate": None, **options})  # type: ignore[arg-type]
    assert isinstance(caught.value, AvatariumError)
    assert caught.value.code == code
    assert caught.value.message.endswith(".")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "code"), [({"preset": "fastest"}, "preset_unknown"), ({"crf": 60}, "quality_range")]
)
def test_unknown_ways_of_encoding(options: dict[str, object], code: str) -> None:
    with pytest.raises(OptionError) as caught:
        EncoderOptions(**options)  # type: ignore[arg-type]
    assert caught.value.code == code


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that refuses even the administrator")
def test_a_folder_that_may_not_be_written() -> None:
    with pytest.raises(OutputError) as caught:
        VideoWriter("/sys/kernel/a.mp4", width=SIZE, height=SIZE, rate=None)
    assert caught.value.code == "output_not_writable"


def test_an_exception_inside_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"the old film")
    with pytest.raises(KeyError), VideoWriter(path, width=SIZE, height=SIZE, rate=RATE) as writer:
        for _ in range(80):
            writer.write(plain())
        raise KeyError
    assert path.read_bytes() == b"the old film"
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_frame_there_is_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError) as caught,
        VideoWriter(tmp_path / "a.mp4", width=SIZE, height=SIZE, rate=RATE) as writer,
    ):
        writer.write_sound(np.zeros(RATE, np.float32))
    assert caught.value.code == "output_empty"
    assert list(tmp_path.iterdir()) == []


def test_wrong_frames_and_sound_are_the_callers_error(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", width=SIZE, height=SIZE, rate=None) as writer:
        with pytest.raises(ValueError, match="frame must be"):
            writer.write(plain(size=64))
        with pytest.raises(ValueError, match="without sound"):
            writer.write_sound(np.zeros(10, np.float32))
        with pytest.raises(ValueError, match="without alpha"):
            writer.write_alpha(np.zeros((SIZE, SIZE, 4), np.uint8))
        writer.write(plain())
    with pytest.raises(ValueError, match="closed"):
        writer.write(plain())
    writer.close()


def test_the_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write(tmp_path / "a.mp4", frames=2)
    assert (tmp_path / "a.mp4").stat().st_mode == (tmp_path / "plain").stat().st_mode


NOISE = """
import resource, sys
import numpy as np
from avatarium.engine.video import VideoWriter
from avatarium.errors import OutputError
if len(sys.argv) > 3:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
noise = np.random.default_rng(0)
try:
    with VideoWriter(sys.argv[1], width=256, height=256, rate=24000) as writer:
        for index in range(int(sys.argv[2])):
            writer.write(noise.integers(0, 256, (256, 256, 3), dtype=np.uint8))
            writer.write_sound(noise.normal(0, 0.2, 960).astype(np.float32))
            print(index, flush=True)
except OutputError as error:
    print(error.code, error.message)
"""


@pytest.mark.parametrize("frames", [4, 60])
def test_a_full_disk_while_writing_or_while_finishing(frames: int, tmp_path: Path) -> None:
    """By a limit of the file's size, which fails as a full disk does."""
    command = [sys.executable, "-c", NOISE, str(tmp_path / "a.mp4"), str(frames), "60000"]
    told = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert told.stdout.splitlines()[-1].startswith("output_full There is no room left in ")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=300k tmpfs "$0" && shift 0 && "$@"; code=$?; ls -A "$0"; exit $code'
    command = ["unshare", "-rm", "sh", "-c", script, str(tmp_path)]
    try:
        subprocess.run([*command, "true"], check=True, timeout=20, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets nobody mount a small disk")
    command += [sys.executable, "-c", NOISE, str(tmp_path / "a.mp4"), "60"]
    told = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert told.stdout.splitlines()[-1].startswith("output_full ")


def test_a_killed_writer_leaves_nothing_under_the_name(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with subprocess.Popen(
        [sys.executable, "-c", NOISE, str(path), "100000"], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        while not writer.stdout.readline().startswith("80"):
            assert writer.poll() is None
        os.kill(writer.pid, signal.SIGKILL)
    assert not path.exists()


def test_faster_presets_write_the_same_film(tmp_path: Path) -> None:
    for preset in ("ultrafast", "superfast"):
        write(tmp_path / "a.mp4", frames=30, options=EncoderOptions(preset=preset))
        facts = probe(tmp_path / "a.mp4")
        assert (facts.frames, facts.codec, facts.container) == (30, "h264", VideoKind.MP4.value.replace("mp4", "mov"))
