"""Recordings that cannot be made, and do not keep anybody waiting for it."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from avatarium.streaming.stage import recorder as module
from avatarium.streaming.stage.recorder import WAITING_MAX, Recorder
from avatarium.streaming.stage.show import Beat


def beat(number: int) -> Beat:
    return Beat(number=number, due_s=0.0, pcm=np.zeros(1920, np.float32))


def test_a_recorder_that_cannot_make_its_folder_holds_nobody(tmp_path: Path) -> None:
    """Its thread had died, and the end of the room waited for a place in its full queue for ever."""
    (tmp_path / "file").write_text("no folder")
    recorder = Recorder(tmp_path / "file" / "room" / "recording.mp4", (64, 64))
    for number in range(WAITING_MAX + 5):
        recorder.write(beat(number))
    recorder.start()
    finished: list[bool] = []
    ends = threading.Thread(target=lambda: finished.append(recorder.finish()), daemon=True)
    ends.start()
    ends.join(20)
    assert finished == [False] and recorder.problem
    assert recorder.lost == 5


def test_a_disk_that_does_not_answer_is_waited_for_a_while_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_S", 0.01)
    recorder = Recorder(tmp_path / "recording.mp4", (64, 64))
    for number in range(WAITING_MAX):
        recorder.write(beat(number))
    assert not recorder.finish(), "its thread takes nothing"
    assert recorder.problem == "the disk does not answer"
