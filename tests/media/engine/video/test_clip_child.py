"""The process that opens strangers' clips: bounded, knows nothing, and what goes wrong in it is a sentence."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import av
import pytest

from avatarium.engine.video import intake, intake_reading
from avatarium.engine.video.intake import Clip, take_clip
from avatarium.engine.video.intake_child import FILE_BYTES, MEMORY_BYTES
from avatarium.errors import InputError
from tests.support.clip_intake import COUNT, refusal, taken
from tests.support.clip_making import encode, numbered, voice


def test_progress_rises_to_the_end(tmp_path: Path) -> None:
    source = encode(tmp_path / "p.mp4", map(numbered, range(COUNT)))
    told: list[float] = []
    take_clip(source, tmp_path, min_s=3, progress=told.append)
    assert told == sorted(told) and told[0] >= 0 and 0.8 < told[-1] <= 1


def test_nothing_is_left_in_the_folder_but_the_clip(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    source = encode(tmp_path / "a.mp4", map(numbered, range(COUNT)), sound=voice(4))
    clip = take_clip(source, folder, min_s=3)
    assert clip == taken_again(clip, source)
    assert sorted(path.name for path in folder.iterdir()) == ["clip.mp4", "clip.wav"]
    with pytest.raises(InputError) as caught:
        take_clip(source, folder, min_s=9)
    assert caught.value.code == "clip_too_short"
    assert sorted(path.name for path in folder.iterdir()) == ["clip.mp4", "clip.wav"]


def taken_again(clip: Clip, source: Path) -> Clip:
    """The same made in this process, with the paths of the first."""
    return replace(taken(source), path=clip.path, sound=clip.sound)


def instead(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a shell script be what the child is run by."""
    program = folder / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def test_a_child_that_dies_or_stalls_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    source = encode(tmp_path / "a.mp4", map(numbered, range(25)))
    instead(tmp_path, "echo overrun >&2; kill -SEGV $$", monkeypatch)
    with caplog.at_level("WARNING"), pytest.raises(InputError) as died:
        take_clip(source, tmp_path)
    assert died.value.code == "video_unreadable"
    assert "overrun" in caplog.text and str(-signal.SIGSEGV) in caplog.text
    instead(tmp_path, "exec sleep 60", monkeypatch)
    monkeypatch.setattr(intake, "STALL_S", 0.5)
    with pytest.raises(InputError) as stalled:
        take_clip(source, tmp_path)
    assert stalled.value.code == "clip_stalled"


def test_a_fault_of_ours_in_the_child_was_blamed_on_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = encode(tmp_path / "a.mp4", map(numbered, range(25)))
    instead(tmp_path, "echo AssertionError: never >&2; exit 1", monkeypatch)
    with pytest.raises(RuntimeError, match="AssertionError: never"):
        take_clip(source, tmp_path)


def test_opening_a_clip_ran_python_files_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = encode(tmp_path / "a.mp4", map(numbered, range(COUNT)))
    for name in ("resource", "av", "json"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')\nraise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    assert take_clip(source, tmp_path, min_s=3).frames == COUNT
    assert not (tmp_path / "was-run").exists()


def test_the_child_knew_the_secrets_of_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = encode(tmp_path / "a.mp4", map(numbered, range(25)))
    monkeypatch.setenv("AVATARIUM_DATABASE_URL", "postgresql://secret")
    instead(tmp_path, "env >&2; exit 1", monkeypatch)
    with pytest.raises(RuntimeError) as told:
        take_clip(source, tmp_path)
    assert "PATH=" in str(told.value) and "secret" not in str(told.value)


@pytest.mark.parametrize("called", [None, "me.mp4"])
def test_sentences_named_the_scratch_file(tmp_path: Path, called: str | None) -> None:
    for name, content in (("1-video", b"hello " * 99), ("2-video", b"\x00\x00\x00\x18ftypisom" + bytes(400))):
        (tmp_path / name).write_bytes(content)
    short = encode(tmp_path / "3-video.mp4", map(numbered, range(50))).rename(tmp_path / "3-video")
    for path in (tmp_path / "1-video", tmp_path / "2-video", short):
        with pytest.raises(InputError) as refused:
            take_clip(path, tmp_path, called=called)
        assert refused.value.message.startswith(called or "The video")
        assert path.name not in refused.value.message


def test_pictures_without_end_at_one_time_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = encode(tmp_path / "crowd.mp4", map(numbered, range(COUNT)))
    with av.open(str(source)) as file:
        first = next(file.decode(video=0))
    monkeypatch.setattr(intake_reading, "_decoded", lambda container, stream: repeat(first, 100_000))
    problem = refusal(source)
    assert problem.code == "video_unreadable" and "pictures within 0.0 seconds" in problem.message


def test_the_child_is_bounded(tmp_path: Path) -> None:
    words = "import resource, avatarium.engine.video.intake_child as c; c._bound(); print(resource.getrlimit(%s))"
    for kind, most in (("resource.RLIMIT_AS", MEMORY_BYTES), ("resource.RLIMIT_FSIZE", FILE_BYTES)):
        told = subprocess.run([sys.executable, "-c", words % kind], capture_output=True, text=True, check=True).stdout
        assert 0 < int(told.strip("()\n").split(",")[0]) <= most
