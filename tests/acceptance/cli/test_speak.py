"""``speak`` as a user runs it: a process of its own, and a look into the file that it leaves."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).parents[3]
TEXT = "Bob may buy five blue boats. Pam saw them."
FAST_VOICE = ("--voice", "hibari-ava")
SMALL = ("--size", "1:1@480p", "--shot", "head")
DEADLINE_S = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """What is in a file, decoded whole."""

    width: int
    height: int
    fps: Fraction
    frames: NDArray[np.uint8]
    """RGB ``(frames, height, width, 3)``."""
    sound: NDArray[np.float32]
    rate: int

    @property
    def picture_s(self) -> float:
        return len(self.frames) / float(self.fps)

    @property
    def sound_s(self) -> float:
        return len(self.sound) / self.rate


def _decoded(path: Path) -> Video:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate is not None
        frames = np.stack([np.asarray(f.to_ndarray(format="rgb24"), np.uint8) for f in container.decode(stream)])
        fps, width, height = stream.average_rate, stream.width, stream.height
    with av.open(str(path)) as container:
        track = container.streams.audio[0]
        sound = np.concatenate([frame.to_ndarray().mean(0) for frame in container.decode(track)])
        rate = track.rate
    return Video(width=width, height=height, fps=fps, frames=frames, sound=sound.astype(np.float32), rate=rate)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "avatarium", "speak", *arguments]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _speak(
    folder: Path, *arguments: str, stdin: str | None = None, limit: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments),
        cwd=folder,
        env=_environment(),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        preexec_fn=limit,
    )


@pytest.fixture(scope="module")
def photo(portraits: Path) -> str:
    return str(portraits / "synthetic-woman-0163.jpg")


@pytest.fixture(scope="module")
def spoken(photo: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("spoken")
    left = _speak(folder, "--avatar", photo, "--text", TEXT, *FAST_VOICE, *SMALL, "--out", "hello.mp4")
    return folder / "hello.mp4", left


@pytest.mark.long
def test_a_photo_says_a_sentence(spoken: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    path, left = spoken
    assert (left.returncode, left.stderr) == (0, "")
    told = re.fullmatch(
        r"hello\.mp4: ([\d.]+) s, 480x480 at 25 fps, [\d.]+ MB\nmade in [\d.]+ s, real-time factor [\d.]+\n",
        left.stdout,
    )
    assert told, left.stdout
    assert [other.name for other in path.parent.iterdir()] == ["hello.mp4"]
    video = _decoded(path)
    assert (video.width, video.height, video.fps) == (480, 480, Fraction(25))
    assert 2.5 < video.picture_s < 6 and abs(video.picture_s - float(told[1])) < 0.06
    assert abs(video.sound_s - video.picture_s) < 0.05


def _mouth_box(frame: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    from avatarium.engine.face import find_face
    from avatarium.engine.face import topology as mesh

    face = find_face(frame)
    (x0, y0), (x1, y1) = face.points[[mesh.MOUTH_LEFT, mesh.MOUTH_RIGHT], :2]
    reach = 0.3 * face.frame.scale
    return round(min(x0, x1)), round((y0 + y1) / 2 - reach / 2), round(max(x0, x1)), round((y0 + y1) / 2 + reach)


@pytest.mark.long
def test_it_is_heard_where_it_is_seen_to_speak(spoken: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    video = _decoded(spoken[0])
    hop = video.rate // 25
    count = min(len(video.frames), len(video.sound) // hop)
    loud = np.sqrt(np.square(video.sound[: count * hop].reshape(count, hop)).mean(1))
    assert loud.max() > 0.05 and loud[:4].max() < 0.01 and loud[-8:].max() < 0.01
    movement = np.abs(np.diff(video.frames.astype(np.int16), axis=0)).mean(3)
    left, top, right, bottom = _mouth_box(video.frames[0])
    mouth, corner = movement[:, top:bottom, left:right].mean((1, 2)), movement[:, :60, :60].mean((1, 2))
    speaking = loud[1:count] > 0.02
    assert mouth[: count - 1][speaking].mean() > 2 * mouth[: count - 1][~speaking].mean()
    assert corner.max() < 1.0


@pytest.mark.long
def test_the_same_input_gives_the_same_file(
    spoken: tuple[Path, subprocess.CompletedProcess[str]], photo: str, tmp_path: Path
) -> None:
    left = _speak(
        tmp_path, "--avatar", photo, "--text-file", "-", *FAST_VOICE, *SMALL, "--out", "again.mp4", stdin=TEXT
    )
    assert left.returncode == 0
    assert (tmp_path / "again.mp4").read_bytes() == spoken[0].read_bytes()


@pytest.mark.long
def test_alone_on_a_clear_ground(photo: str, tmp_path: Path) -> None:
    arguments = ["--alpha", "--fps", "30", "--size", "4:5@480p", "--emotion", "happy", "--out", "clear.webm"]
    left = _speak(tmp_path, "--avatar", photo, "--text", "Hi there.", *FAST_VOICE, *arguments)
    assert left.returncode == 0, left.stderr
    with av.open(str(tmp_path / "clear.webm")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (480, 600, Fraction(30))
        assert stream.metadata.get("alpha_mode") == "1"


@pytest.mark.long
def test_several_faces_on_another_background(portraits: Path, tmp_path: Path) -> None:
    """The largest speaks and a note says so; its ground is the colour that was asked for."""
    woman = Image.open(portraits / "synthetic-woman-0163.jpg").resize((900, 900))
    man = Image.open(portraits / "synthetic-man-0101.jpg").resize((500, 500))
    both = Image.new("RGB", (1400, 900), (90, 90, 90))
    both.paste(woman, (0, 0))
    both.paste(man, (900, 200))
    both.save(tmp_path / "two.png")
    look = ["--background", "#107040", "--shot", "head", "--size", "480x480", "--fps", "24"]
    left = _speak(tmp_path, "--avatar", "two.png", "--text", "It is me.", *FAST_VOICE, *look, "--out", "me.mp4")
    assert left.returncode == 0, left.stderr
    assert left.stderr.startswith("note: The picture has 2 faces; the largest speaks.")
    video = _decoded(tmp_path / "me.mp4")
    assert np.abs(video.frames[:, 8, 8].astype(int) - (0x10, 0x70, 0x40)).max() <= 12


def _cut(recording: Path, to: Path, *options: str) -> str:
    """Two and a half seconds of a recording in another shape, made by PyAV's own filters."""
    rate, layout, gain = options
    with av.open(str(recording)) as source, av.open(str(to), "w") as target:
        stream = target.add_stream("pcm_s16le", rate=int(rate), layout=layout)
        graph = av.filter.Graph()
        track = source.streams.audio[0]
        nodes = [
            graph.add_abuffer(template=track),
            graph.add("atrim", "end=2.5"),
            graph.add("volume", gain),
            graph.add("aformat", f"sample_fmts=s16:sample_rates={rate}:channel_layouts={layout}"),
            graph.add("abuffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        for frame in source.decode(track):
            graph.push(frame)
        graph.push(None)
        while True:
            try:
                made = graph.pull()
            except (av.EOFError, av.BlockingIOError):
                break
            assert isinstance(made, av.AudioFrame)
            target.mux(stream.encode(made))
        target.mux(stream.encode(None))
    return str(to)


@pytest.mark.long
def test_a_clipped_telephone_recording(photo: str, recordings: Path, tmp_path: Path) -> None:
    sound = _cut(recordings / "en-jfk.flac", tmp_path / "loud.wav", "8000", "mono", "30")
    left = _speak(tmp_path, "--avatar", photo, "--audio", sound, *SMALL, "--out", "jfk.mp4")
    assert left.returncode == 0, left.stderr
    assert left.stderr == "note: loud.wav is clipped: it was recorded too loud. It is used as it is.\n"
    video = _decoded(tmp_path / "jfk.mp4")
    assert 2.5 + 0.2 < video.picture_s < 2.5 + 0.9 and float(np.abs(video.sound).max()) > 0.3


def test_a_surround_recording_at_96_khz_says_the_same(recordings: Path, tmp_path: Path) -> None:
    from avatarium.engine import recorded_speech

    plain = recorded_speech(_cut(recordings / "en-jfk.flac", tmp_path / "plain.wav", "44100", "mono", "1"))
    wide = recorded_speech(_cut(recordings / "en-jfk.flac", tmp_path / "wide.wav", "96000", "5.1", "1"))
    assert len(plain.phonemes) > 5
    assert abs(len(wide.phonemes) - len(plain.phonemes)) <= 2
    assert abs(wide.duration_s - plain.duration_s) < 0.02


def _start_long(photo: str, folder: Path) -> subprocess.Popen[str]:
    """100,000 characters begin to be written while most of them are still to be spoken."""
    text = (TEXT + " ") * (100_000 // (len(TEXT) + 1))
    (folder / "long.txt").write_text(text)
    arguments = ["--avatar", photo, "--text-file", "long.txt", *FAST_VOICE, *SMALL, "--out", "long.mp4"]
    process = subprocess.Popen(
        _command(*arguments), cwd=folder, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + DEADLINE_S
    while not any(part.stat().st_size > 200_000 for part in folder.glob(".*.part")):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.1)
    return process


def _peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


@pytest.mark.long
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "kill"])
def test_a_book_that_is_broken_off_leaves_nothing(photo: str, tmp_path: Path, number: int, code: int) -> None:
    process = _start_long(photo, tmp_path)
    peak = _peak_bytes(process.pid) if sys.platform == "linux" else 0
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in err and err.count("\n") <= 1
    assert [path.name for path in tmp_path.iterdir()] == ["long.txt"]
    assert peak < 1e9


@pytest.mark.long
def test_a_full_disk(photo: str, tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    left = _speak(tmp_path, "--avatar", photo, "--text", TEXT, *FAST_VOICE, *SMALL, "--out", "hello.mp4", limit=limit)
    assert left.returncode == 7
    assert left.stderr.startswith("error: There is no room left") and left.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_reader_that_has_seen_enough() -> None:
    command = f"'{sys.executable}' -m avatarium voices | head -n 1"
    left = subprocess.run(
        command, shell=True, cwd=ROOT, env=_environment(), capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert left.stdout.count("\n") == 1 and not left.stderr
