"""Parts of the supervisor that need no service."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from avatarium.clock import Clock, ManualClock
from avatarium.errors import ConflictError, OptionError, OutputError
from avatarium.settings import Settings, environment_of, load_settings
from avatarium.supervisor import home
from avatarium.supervisor.children import PAUSES_S, BackOff, Child
from avatarium.supervisor.listening import listen, url_of

ROOT = Path(__file__).parents[3]


def test_pauses_grow_and_a_long_life_ends_them() -> None:
    back_off = BackOff()
    assert [back_off.died(1.0) for _ in range(8)] == [*PAUSES_S, PAUSES_S[-1], PAUSES_S[-1]]
    assert back_off.died(3600.0) == PAUSES_S[0]
    assert back_off.died(1.0) == PAUSES_S[1]


def test_a_child_that_dies_is_started_again_after_its_pause(tmp_path: Path) -> None:
    clock = ManualClock()
    child = Child("nonsense", ["--version"], environment={**os.environ, "PYTHONPATH": str(ROOT)}, clock=clock)
    for pause_s in PAUSES_S[:3]:
        child.look()
        assert child.pid is not None
        while not child.look():
            pass
        assert child.pid is None
        if pause_s:
            child.look()
            assert child.pid is None, "the pause is not over"
        clock.advance(pause_s)
    child.look()
    child.reap()
    assert child.has_ended()


def test_the_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    home.prepare_home(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    home.prepare_home(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="AVATARIUM_HOME"):
        home.prepare_home(tmp_path / "file" / "home")


def test_one_holder_of_a_folder_and_its_address(tmp_path: Path) -> None:
    assert not home.is_served(tmp_path)
    with home.locked(tmp_path), home.noted_address(tmp_path, "http://127.0.0.1:1"):
        assert home.is_served(tmp_path) and home.address_of(tmp_path) == "http://127.0.0.1:1"
        with pytest.raises(ConflictError, match=f"process {os.getpid()}, http://127.0.0.1:1"), home.locked(tmp_path):
            pass
    assert not home.is_served(tmp_path) and home.address_of(tmp_path) == ""


def test_an_address_that_a_killed_service_left_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / home.LOCK).write_text("1")
    (tmp_path / home.ADDRESS).write_text("http://127.0.0.1:1")
    assert home.address_of(tmp_path) == ""


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")])
def test_listening(host: str, shown: str) -> None:
    try:
        listener = listen(host, 0, Clock())
    except OptionError:
        assert ":" in host  # a machine without IPv6
        return
    with listener:
        assert url_of(listener) == f"http://{shown}:{listener.getsockname()[1]}"


def test_a_port_of_a_dying_service_is_waited_for_but_not_for_ever() -> None:
    clock = ManualClock()
    with socket.create_server(("127.0.0.1", 0)) as other:
        clock.monotonic_s = iter([0.0, 1.0, 3.0]).__next__  # type: ignore[method-assign]
        with pytest.raises(OptionError, match="taken") as raised:
            listen("127.0.0.1", other.getsockname()[1], clock)
    assert raised.value.code == "port_taken"


def test_a_host_that_is_not_of_this_machine() -> None:
    with pytest.raises(OptionError) as raised:
        listen("192.0.2.1", 0, Clock())
    assert raised.value.code == "bad_host"


def test_a_child_ends_with_the_pipe_of_its_supervisor() -> None:
    code = (
        "import time; from avatarium.supervisor.leash import Leash; leash = Leash(); leash.wait(); "
        "print('on', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin and child.stdout
    child.stdin.write("g")
    child.stdin.flush()
    assert child.stdout.readline() == "on\n"
    child.stdin.close()
    assert child.wait(timeout=30) == 75
    child.stdout.close()


def test_children_get_the_settings_that_were_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A value that is the default had been left out, so that the environment's other value won in the child."""
    monkeypatch.setenv("AVATARIUM_HOME", str(tmp_path))
    monkeypatch.setenv("AVATARIUM_PORT", "9000")
    chosen = load_settings(port=Settings.model_fields["port"].default)
    for name, value in environment_of(chosen).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == chosen
