"""Real S3 services on this machine: nanio from the test requirements, and OpenStack Swift where it is installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from avatarium.clock import Clock
from avatarium.storage import sigv4

START_TIMEOUT_S = 30
BUCKET = "avatarium-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """One that runs and has an empty bucket."""

    endpoint: str
    key_id: str
    secret: str

    @property
    def settings(self) -> dict[str, str]:
        """The settings of an installation that keeps its objects there."""
        return {
            "storage_url": f"s3://{BUCKET}/some/prefix",
            "s3_endpoint": self.endpoint,
            "s3_access_key_id": self.key_id,
            "s3_secret_access_key": self.secret,
        }


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def nanio(folder: Path) -> Iterator[S3Server]:
    """A nanio server with its data in ``folder``."""
    port = free_port()
    command = [sys.executable, "-m", "nanio", "serve", "--data-dir", str(folder / "data"), "--host", "127.0.0.1"]
    keys = {"NANIO_ACCESS_KEY": "a-key", "NANIO_SECRET_KEY": "a-secret-of-some-length"}
    with _running([*command, "--port", str(port), "--no-access-log"], folder / "nanio.log", keys):
        _wait_for(port)
        server = S3Server(
            endpoint=f"http://127.0.0.1:{port}", key_id=keys["NANIO_ACCESS_KEY"], secret=keys["NANIO_SECRET_KEY"]
        )
        _make_bucket(server)
        yield server


def swift_is_missing() -> str:
    """Why Swift cannot be started here; empty where it can."""
    needed = ("swift-proxy-server", "swift-account-server", "swift-container-server", "swift-object-server")
    missing = [name for name in (*needed, "swift-ring-builder", "memcached") if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)} (Debian: swift-proxy swift-account ...)" if missing else ""


@contextmanager
def swift(folder: Path) -> Iterator[S3Server]:
    """Swift with its S3 interface: proxy, account, container and object servers on one disk."""
    ports = {name: free_port() for name in ("proxy", "account", "container", "object", "memcached")}
    _configure_swift(folder, ports)
    with ExitStack() as running:
        memcached = ["memcached", "-l", "127.0.0.1", "-p", str(ports["memcached"]), "-u", "root"]
        running.enter_context(_running(memcached, folder / "memcached.log", {}))
        for name in ("account", "container", "object", "proxy"):
            command = [f"swift-{name}-server", str(folder / f"{name}.conf"), "-v"]
            running.enter_context(_running(command, folder / f"{name}.log", {}))
        for port in ports.values():
            _wait_for(port)
        server = S3Server(endpoint=f"http://127.0.0.1:{ports['proxy']}", key_id="test:tester", secret="testing")
        _make_bucket(server)
        yield server


_SWIFT_PIPES = {"account": "account-server", "container": "container-server", "object": "object-server"}


def _configure_swift(folder: Path, ports: dict[str, int]) -> None:
    (folder / "devices" / "d1").mkdir(parents=True)
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = a\nswift_hash_path_prefix = b\n")
    common = f"user = root\nswift_dir = {folder}\nbind_ip = 127.0.0.1\nworkers = 0\nlog_address = /nowhere\n"
    for name, app in _SWIFT_PIPES.items():
        text = (
            f"[DEFAULT]\n{common}bind_port = {ports[name]}\ndevices = {folder / 'devices'}\nmount_check = false\n"
            f"[pipeline:main]\npipeline = {app}\n[app:{app}]\nuse = egg:swift#{name}\n"
        )
        (folder / f"{name}.conf").write_text(text)
        builder = str(folder / f"{name}.builder")
        for words in (
            ["create", "4", "1", "0"],
            ["add", f"r1z1-127.0.0.1:{ports[name]}/d1", "1"],
            ["rebalance"],
        ):
            subprocess.run(["swift-ring-builder", builder, *words], check=True, capture_output=True)
    (folder / "proxy.conf").write_text(
        f"[DEFAULT]\n{common}bind_port = {ports['proxy']}\n"
        "[pipeline:main]\n"
        "pipeline = catch_errors cache listing_formats s3api tempauth bulk slo dlo proxy-server\n"
        "[app:proxy-server]\nuse = egg:swift#proxy\nallow_account_management = true\naccount_autocreate = true\n"
        f"[filter:cache]\nuse = egg:swift#memcache\nmemcache_servers = 127.0.0.1:{ports['memcached']}\n"
        "[filter:tempauth]\nuse = egg:swift#tempauth\nuser_test_tester = testing .admin\n"
        "[filter:s3api]\nuse = egg:swift#s3api\ns3_acl = false\nlocation = us-east-1\n"
        + "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in ("catch_errors", "bulk", "slo", "dlo"))
        + "[filter:listing_formats]\nuse = egg:swift#listing_formats\n"
    )


@contextmanager
def _running(command: list[str], log: Path, environment: dict[str, str]) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **environment})
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int) -> None:
    end_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end_s:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


def _make_bucket(server: S3Server) -> None:
    who = sigv4.Credentials(key_id=server.key_id, secret=server.secret, region="us-east-1")
    url = sigv4.presign(who, "PUT", f"{server.endpoint}/{BUCKET}", seconds=60, now_ms=Clock().now_ms())
    answer = requests.put(url, timeout=START_TIMEOUT_S)
    assert answer.status_code == 200, answer.text
