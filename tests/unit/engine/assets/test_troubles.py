"""What the client programs really print, and the case that it is taken for."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from avatarium.clock import ManualClock
from avatarium.engine.assets import programs
from avatarium.engine.assets.lock import locked
from avatarium.engine.assets.programs import Patience, ProgramFailed, ProgramStalled, run
from avatarium.engine.assets.pypi import find_pip, find_uv
from avatarium.engine.assets.troubles import from_output
from avatarium.errors import AssetError
from tests.unit.engine.assets.packages import false_program

PIP_OFFLINE = """WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None)) after connection
broken by 'NewConnectionError('Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')'
ERROR: Could not find a version that satisfies the requirement parcel==1.0 (from versions: none)
ERROR: No matching distribution found for parcel==1.0"""
PIP_HASH = """ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package
versions, please update the hashes."""
UV_OFFLINE = """error: Failed to fetch: `parcel`
  Caused by: error sending request for url
  Caused by: dns error: failed to lookup address information"""
UV_HASH = "error: Hash mismatch for `parcel==1.0`"
NPM_OFFLINE = "npm error code ENOTFOUND\nnpm error network request to the registry failed"
NPM_GONE = "npm error code ETARGET\nnpm error notarget No matching version found for parcel@1.0."
DISK = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"


@pytest.mark.parametrize(
    ("output", "code"),
    [
        (PIP_OFFLINE, "asset_offline"),
        (PIP_OFFLINE.splitlines()[-1], "asset_not_found"),
        (PIP_HASH, "asset_hash"),
        (UV_OFFLINE, "asset_offline"),
        (UV_HASH, "asset_hash"),
        (NPM_OFFLINE, "asset_offline"),
        (NPM_GONE, "asset_not_found"),
        (DISK, "asset_disk_full"),
        ("ERROR: something new", "asset_fetch_failed"),
        ("", "asset_fetch_failed"),
    ],
)
def test_complaint_of_a_client_is_understood(output: str, code: str) -> None:
    error = from_output(output, label="parcel 1.0 (PyPI)", asset="parcel")
    assert error.code == code
    assert "avatarium assets fetch parcel" in error.message
    assert "\n" not in error.message


def test_unknown_complaint_is_passed_on() -> None:
    assert "something new" in from_output("x\nERROR: something new", label="parcel", asset="parcel").message


def _run(tmp_path: Path, script: str, patience: Patience, on_bytes: Callable[[int], None]) -> None:
    program = false_program(tmp_path / "program", script)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    run([str(program)], scratch=scratch, environment={}, patience=patience, on_bytes=on_bytes)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The time by which programs are waited for; a busy machine may take its own."""
    made = ManualClock()
    monkeypatch.setattr(programs, "time", SimpleNamespace(monotonic=made.monotonic_s))
    return made


def test_program_that_fails_tells_what_it_printed(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="out of paper"):
        _run(tmp_path, "import sys\nsys.exit('out of paper')\n", Patience(), lambda size: None)


def test_program_that_goes_on_writing_is_not_ended(tmp_path: Path, clock: ManualClock) -> None:
    script = (
        "import os, time\n"
        "for number in range(1, 9):\n"
        "    open(os.path.join(os.environ['TMPDIR'], str(number)), 'w').write('x' * 1000)\n"
        "    while not os.path.exists(f'seen-{number}'): time.sleep(0.01)\n"
    )
    sizes: list[int] = []

    def note(size: int) -> None:
        sizes.append(size)
        clock.advance(1)
        (tmp_path / "scratch" / f"seen-{size // 1000}").touch()

    _run(tmp_path, script, Patience(stall_s=1.5), note)
    assert [size for size in sizes if size] == [number * 1000 for number in range(1, 9)]


def test_program_and_its_children_are_ended(tmp_path: Path, clock: ManualClock) -> None:
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open('child', 'w').write(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    with pytest.raises(ProgramStalled):
        _run(tmp_path, script, Patience(stall_s=600), lambda size: clock.advance(3601 if size else 0))
    child = int((tmp_path / "scratch" / "child").read_text())
    deadline = time.monotonic() + 60
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_lock_is_waited_for_no_longer_than_allowed(tmp_path: Path) -> None:
    waits: list[None] = []
    with (
        locked(tmp_path / "lock", timeout_s=1),
        pytest.raises(AssetError) as caught,
        locked(tmp_path / "lock", timeout_s=0.25, on_wait=lambda: waits.append(None)),
    ):
        raise AssertionError("two holders")
    assert caught.value.code == "asset_locked"
    assert waits


def test_lock_is_handed_on(tmp_path: Path) -> None:
    order: list[str] = []
    inside, leave = threading.Event(), threading.Event()

    def first() -> None:
        with locked(tmp_path / "lock", timeout_s=30):
            inside.set()
            leave.wait(30)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(30)
    with locked(tmp_path / "lock", timeout_s=30, on_wait=leave.set):
        order.append("second")
    thread.join(30)
    assert order == ["first", "second"]


def test_some_pip_is_found_here_or_uv() -> None:
    assert find_pip() or find_uv()


def test_uv_that_started_us_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV", os.devnull)
    assert find_uv() == os.devnull
