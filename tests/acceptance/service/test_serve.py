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

from tests.acceptance.service.conftest import Service, wait_until

pytestmark = pytest.mark.long


def test_the_first_start_makes_an_installation_and_the_second_finds_it(service: Service) -> None:
    service.start().until_ready()
    assert service.address.startswith("http://127.0.0.1:") and service.address in service.said
    assert service.get("/readyz")[0] == 200
    assert stat.S_IMODE(service.home.stat().st_mode) == 0o700
    key = service.key
    status, answer = service.get("/api/v1/user/remainingCoins", key=key)
    assert status == 200 and answer["code"] == 0 and "100000" in str(answer["data"])
    assert service.stop() == 0
    assert not (service.home / "address").exists()

    service.start().until_ready()
    assert "sk_" not in service.said and "token create" in service.said
    assert service.get("/api/v1/user/remainingCoins", key=key)[0] == 200


def test_keys_can_be_made_while_it_runs_and_while_it_does_not(service: Service) -> None:
    made = service.command("token", "create")
    assert made.returncode == 0, made.stderr
    first = made.stdout.splitlines()[-1]
    assert re.fullmatch(r"sk_\S+", first) and "does not run" in made.stdout

    service.start().until_ready()
    assert "sk_" not in service.said
    made = service.command("token", "create", "--user", "ADMIN", "--scopes", "read")
    second = made.stdout.splitlines()[-1]
    assert service.address in made.stdout
    for key in (first, second):
        assert service.get("/api/v1/user/remainingCoins", key=key)[0] == 200
    assert service.command("token", "revoke", made.stdout.split(" knows it as ")[1].split(".")[0]).returncode == 0
    wait_until(lambda: service.get("/api/v1/user/remainingCoins", key=second)[0] == 401, "the revoked key is refused")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything(service: Service, number: signal.Signals) -> None:
    service.start().until_ready()
    everybody = service.everybody()
    assert len(everybody) >= 2
    assert service.stop(number) == 0
    assert "killed" not in service.said
    assert not [process for process in everybody if process.is_running()]
    assert "Traceback" not in service.said and "Fatal" not in service.said


def test_after_kill_9_nothing_is_left_and_the_next_start_works_on_the_same_port(service: Service) -> None:
    service.start().until_ready()
    everybody, port = service.everybody(), service.address.rpartition(":")[2]
    assert service.process is not None
    service.process.kill()
    service.process.wait()
    service.start("--port", port).until_ready()
    assert service.address.endswith(f":{port}")
    wait_until(lambda: not any(process.is_running() for process in everybody), "children end with their supervisor")


def test_children_that_die_come_back(service: Service) -> None:
    service.start().until_ready()
    before = service.children()
    assert service.process is not None
    for name in ("api", "worker"):
        assert len(before[name]) == 1
        before[name][0].kill()
    wait_until(
        lambda: all(len(now) == 1 and now[0].pid != before[name][0].pid for name, now in service.children().items()),
        "both are started again",
    )
    assert service.get("/readyz")[0] in (200, 503)  # clients wait meanwhile instead of being refused
    wait_until(lambda: service.get("/readyz")[0] == 200, "it is ready again")
    assert service.said.count("process_died") == 2
    assert service.stop() == 0


def test_a_second_one_on_the_same_folder_is_refused(service: Service) -> None:
    service.start().until_ready()
    second = service.command("serve")
    assert second.returncode == 1
    assert "runs already" in second.stderr and service.address in second.stderr
    assert str(service.process.pid if service.process else 0) in second.stderr
    assert service.get("/readyz")[0] == 200


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


def test_what_runs_is_handed_back_at_a_second_ctrl_c_too(service: Service) -> None:
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
