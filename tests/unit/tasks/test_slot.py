"""A worker's hold on a media process, with processes that misbehave."""

from __future__ import annotations

import queue
import subprocess
import sys
from typing import Any

import pytest

from avatarium.tasks import slot


def heard(program: str) -> list[Any]:
    """What a slot hears from a process."""
    replies: queue.Queue[dict[str, Any] | None] = queue.Queue()
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        slot._listen(process, replies)
    return [replies.get_nowait() for _ in range(replies.qsize())]


@pytest.mark.parametrize("last", ["", "print('{\"done\": {\"ke', end='')", "print('no JSON at all')"])
def test_a_process_that_dies_in_the_middle_of_a_line_is_noticed(last: str) -> None:
    assert heard(f"print('{{\"progress\": 0.5}}')\n{last}") == [{"progress": 0.5}, None]


def test_memory_of_what_a_process_started_counts_too() -> None:
    eater = "hoard = bytearray(200 << 20); print(flush=True); input()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {eater!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        resident = slot._resident_bytes(process.pid)
        process.stdin.write("\n")
        process.stdin.flush()
    assert resident > 200 << 20
