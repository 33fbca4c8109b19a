"""``avatarium serve``: one start, whatever has happened before."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
from pathlib import Path

import psutil
import pytest

from tests.acceptance.service.conftest import Service, make_service, wait_until

pytestmark = pytest.mark.long
BALANCE = "/api/v1/user/remainingCoins"


def test_the_first_start_makes_an_installation(running: Service) -> None:
    assert running.address.startswith("http://127.0.0.1:") and running.address in running.said
    assert running.get("/readyz")[0] == 200
    assert stat.S_IMODE(running.home.stat().st_mode) == 0o700
    status, answer = running.get(BALANCE, key=running.key)
    assert status == 200 and answer["code"] == 0 and "100000" in str(answer["data"])
    assert "Traceback" not in running.said


def test_keys_are_made_and_revoked_while_it_runs(running: Service) -> None:
    made = running.command("token", "create", "--user", "ADMIN", "--scopes", "read")
    key = made.stdout.splitlines()[-1]
    assert re.fullmatch(r"sk_\S+", key) and running.address in made.stdout
    assert running.get(BALANCE, key=key)[0] == 200
    assert running.command("token", "revoke", made.stdout.split(" knows it as ")[1].split(".")[0]).returncode == 0
    wait_until(lambda: running.get(BALANCE, key=key)[0] == 401, "the revoked key is refused")


def test_a_backup_is_made_while_it_runs(running: Service, tmp_path: Path) -> None:
    made = running.command("backup", str(tmp_path / "backup.tar"))
    assert made.returncode == 0, made.stderr
    other = make_service(tmp_path / "other")
    assert other.command("restore", str(tmp_path / "backup.tar")).returncode == 0
    assert other.command("reconcile").returncode == 0


def test_a_second_one_on_the_same_folder_is_refused(running: Service) -> None:
    second = running.command("serve")
    assert second.returncode == 1 and running.process is not None
    assert f"(process {running.process.pid}, {running.address})" in second.stderr
    assert running.get("/readyz")[0] == 200


def test_children_that_die_come_back(running: Service) -> None:
    before = running.children()
    for name in ("api", "worker"):
        assert len(before[name]) == 1
        before[name][0].kill()
    pids = {name: found[0].pid for name, found in before.items() if found}
    wait_until(
        lambda: all(
            len(now) == 1 and now[0].pid != pids[name] for name, now in running.children().items() if name in pids
        ),
        "both are started again",
    )
    assert running.get("/healthz")[0] == 200  # who asks meanwhile waits instead of being refused
    wait_until(lambda: running.get("/readyz")[0] == 200, "it is ready again")
    assert running.said.count("process_died") == 2


def test_stopped_started_killed_and_started_again(service: Service) -> None:
    made = service.command("token", "create")
    key = made.stdout.splitlines()[-1]
    assert re.fullmatch(r"sk_\S+", key) and "does not run" in made.stdout

    service.start().until_ready()
    assert "sk_" not in service.said and "token create" in service.said
    assert service.get(BALANCE, key=key)[0] == 200
    everybody, port = service.everybody(), service.address.rpartition(":")[2]
    assert len(everybody) == 2
    assert service.stop() == 0
    assert not [process for process in everybody if process.is_running()]
    assert not (service.home / "address").exists()
    assert not re.search("process_killed|Traceback|Fatal", service.said), service.said

    service.start("--port", port).until_ready()
    everybody = service.everybody()
    assert service.process is not None
    service.process.kill()
    service.process.wait()
    service.start("--port", port).until_ready()
    assert service.address.endswith(f":{port}") and service.get(BALANCE, key=key)[0] == 200
    wait_until(lambda: not any(process.is_running() for process in everybody), "children end with their supervisor")


def test_a_port_that_is_taken_is_said_at_once(service: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        left = service.command("serve", "--port", str(port))
    assert left.returncode == 2
    assert left.stderr.splitlines()[-1].startswith(f"error: Port {port} of 127.0.0.1 is taken")


def test_a_start_that_cannot_work_ends_with_the_reason(service: Service) -> None:
    service.home.mkdir()
    (service.home / "secret").write_text("short")
    left = service.command("serve")
    assert left.returncode == 2 and "too short" in left.stderr
    assert not _processes_of(service.home)


def test_a_second_ctrl_c_ends_what_does_not_end_by_itself(service: Service) -> None:
    service.start().until_ready()
    everybody = service.everybody()
    api = service.children()["api"][0]
    os.kill(api.pid, signal.SIGSTOP)  # it will not end by itself
    assert service.process is not None
    service.process.send_signal(signal.SIGINT)
    wait_until(lambda: "stopping" in service.said, "it stops")
    assert service.stop(signal.SIGINT) == 130
    assert not [process for process in everybody if process.is_running()]


def _processes_of(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("AVATARIUM_HOME") == str(home):
                found.append(process)
        except psutil.Error:
            continue
    return found
