"""A long script takes no more memory than a short one, and less than a gigabyte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from avatarium.engine.video import probe

SENTENCE = "This is sentence number {} of a script about boats, maps and moving people. "


def peak_mb(folder: Path, sentences: int) -> float:
    """Peak resident memory of ``speak`` on a script, and check that all of it was said."""
    script, out = folder / f"{sentences}.txt", folder / f"{sentences}.mp4"
    script.write_text("".join(SENTENCE.format(i) for i in range(sentences)), encoding="utf-8")
    command = [sys.executable, "-m", "avatarium", "speak", "--text-file", str(script), "--out", str(out)]
    process = subprocess.Popen([*command, "--size", "480x480", "--voice", "hibari-ava"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert probe(out).duration_s > 3.5 * sentences
    return usage.ru_maxrss / 1024


@pytest.mark.long
def test_thirty_sentences_take_hardly_more_memory_than_three(tmp_path: Path) -> None:
    short, long = peak_mb(tmp_path, 3), peak_mb(tmp_path, 30)
    assert long < 1000
    assert long - short < 80
