"""What strangers' servers may answer, and what becomes of it."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from avatarium.clock import ManualClock
from avatarium.errors import (
    AvatariumError,
    ForbiddenError,
    NotFoundError,
    RequestError,
    TooLargeError,
    UnavailableError,
)
from avatarium.storage import Fetcher, Kind, Storage
from tests.unit.storage import samples
from tests.unit.storage.test_sniff import TEXTS, zipped
from tests.unit.storage.webserver import Answer, Stranger, reply

Serve = Callable[[Answer], Stranger]
FetcherFor = Callable[..., Fetcher]


def trouble(fetcher: Fetcher, url: str, into: Path, kind: Kind = Kind.VIDEO) -> AvatariumError:
    with pytest.raises(AvatariumError) as raised:
        fetcher.fetch(url, into, kind=kind, owner="anna")
    assert not into.exists()
    return raised.value


@pytest.mark.parametrize("kind", [Kind.VIDEO, Kind.SOUND, Kind.VISUAL, Kind.ANY])
def test_a_video_comes_whole(kind: Kind, serve: Serve, fetcher_for: FetcherFor, tmp_path: Path) -> None:
    data = samples.video("mp4")
    stranger = serve(reply(data, headers="Content-Type: text/html\r\n"))
    seen: list[tuple[int, int | None]] = []
    got = fetcher_for(stranger).fetch(
        stranger.url, tmp_path / "got", kind=kind, owner="anna", on_progress=lambda *step: seen.append(step)
    )
    assert got.path.read_bytes() == data
    assert (got.kind, got.media_type, got.format, got.size_bytes) == (Kind.VIDEO, "video/mp4", "mp4", len(data))
    assert seen[-1] == (len(data), len(data))


def test_what_is_asked_tells_nothing_and_wants_no_compression(
    serve: Serve, fetcher_for: FetcherFor, tmp_path: Path
) -> None:
    stranger = serve(reply(samples.picture()))
    fetcher_for(stranger).fetch(stranger.url, tmp_path / "got", kind=Kind.PICTURE, owner="anna")
    head = stranger.requests[0].lower()
    assert "accept-encoding: identity" in head
    assert "cookie" not in head and "authorization" not in head and "x-forwarded" not in head


def test_chunks_of_unknown_number(serve: Serve, fetcher_for: FetcherFor, tmp_path: Path) -> None:
    data = samples.video("webm")

    def chunked(connection: socket.socket, _request: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(data), 1000):
            piece = data[at : at + 1000]
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")

    stranger = serve(chunked)
    got = fetcher_for(stranger).fetch(stranger.url, tmp_path / "got", kind=Kind.VIDEO, owner="anna")
    assert got.path.read_bytes() == data


@pytest.mark.parametrize("words", TEXTS)
def test_texts_named_mp4(words: str, serve: Serve, fetcher_for: FetcherFor, tmp_path: Path) -> None:
    stranger = serve(reply(TEXTS[words].encode(), headers="Content-Type: video/mp4\r\n"))
    problem = trouble(fetcher_for(stranger), stranger.url, tmp_path / "got")
    assert problem.code == "wrong_kind"
    assert f"The URL gave {words}, not a video." in problem.message


def test_a_zip_bomb_named_mp4_stays_packed(serve: Serve, fetcher_for: FetcherFor, tmp_path: Path) -> None:
    stranger = serve(reply(zipped()))
    assert "an archive (ZIP)" in trouble(fetcher_for(stranger), stranger.url, tmp_path / "got").message


def test_a_compressed_answer_stays_packed(serve: Serve, fetcher_for: FetcherFor, tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    stranger = serve(reply(bomb, headers="Content-Encoding: gzip\r\n"))
    assert trouble(fetcher_for(stranger), stranger.url, tmp_path / "got").code == "url_encoding"


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        (Kind.VIDEO, samples.picture(), "gave a picture, not a video"),
        (Kind.VIDEO, samples.sound("wav"), "gave a sound, not a video"),
        (Kind.PICTURE, samples.video("mp4"), "gave a video, not a picture"),
        (Kind.SOUND, samples.picture(), "gave a picture, not a sound"),
        (Kind.VISUAL, samples.sound("mp3"), "gave a sound, not a picture or a video"),
    ],
)
def test_the_wrong_kind(
    kind: Kind, data: bytes, words: str, serve: Serve, fetcher_for: FetcherFor, tmp_path: Path
) -> None:
    stranger = serve(reply(data))
    problem = trouble(fetcher_for(stranger), stranger.url, tmp_path / "got", kind)
    assert words in problem.message
    assert problem.message.endswith(".")


def test_an_empty_file(serve: Serve, fetcher_for: FetcherFor, tmp_path: Path) -> None:
    stranger = serve(reply(b""))
    assert trouble(fetcher_for(stranger), stranger.url, tmp_path / "got").code == "url_empty"


def test_five_gigabytes_are_refused_before_they_come(serve: Serve, fetcher_for: FetcherFor, tmp_path: Path) -> None:
    stranger = serve(reply(b"", length=5 * 2**30))
    problem = trouble(fetcher_for(stranger), stranger.url, tmp_path / "got")
    assert isinstance(problem, TooLargeError)
    assert problem.code == "url_too_large"


def test_a_body_without_end(serve: Serve, fetcher_for: FetcherFor, tmp_path: Path) -> None:
    sent = 0

    def endless(connection: socket.socket, _request: str) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sent += connection.send(bytes(65536))

    stranger = serve(endless)
    assert trouble(fetcher_for(stranger), stranger.url, tmp_path / "got").code == "url_too_large"
    assert sent < 50_000_000


def test_a_body_that_breaks_off(serve: Serve, fetcher_for: FetcherFor, tmp_path: Path) -> None:
    data = samples.video("mp4")
    stranger = serve(reply(data[:-10], length=len(data)))
    assert trouble(fetcher_for(stranger), stranger.url, tmp_path / "got").code == "url_truncated"


@pytest.mark.parametrize("where", ["head", "status", "body"])
def test_a_server_that_sends_a_byte_now_and_then(
    where: str, serve: Serve, fetcher_for: FetcherFor, tmp_path: Path
) -> None:
    starts = {
        "head": b"HTTP/1.1 200 OK\r\nX-Long: ",
        "status": b"HTT",
        "body": b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
    }

    def loris(connection: socket.socket, _request: str) -> None:
        connection.sendall(starts[where])
        while not stranger.over.wait(0.05):
            connection.sendall(b"a")

    stranger = serve(loris)
    fetcher = fetcher_for(stranger, fetch_timeout_s=0.5)
    assert trouble(fetcher, stranger.url, tmp_path / "got").code == "url_timeout"


def test_a_server_that_says_nothing(
    serve: Serve, fetcher_for: FetcherFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatarium.storage.fetch.SILENCE_TIMEOUT_S", 0.2)

    def silent(_connection: socket.socket, _request: str) -> None:
        stranger.over.wait(10)

    stranger = serve(silent)
    assert trouble(fetcher_for(stranger), stranger.url, tmp_path / "got").code == "url_timeout"


@pytest.mark.parametrize(
    ("status", "words"),
    [("404 Not Found", "404 (Not Found)"), ("503 Away", "503"), ("204 No", "204"), ("299 X", "299")],
)
def test_other_answers(status: str, words: str, serve: Serve, fetcher_for: FetcherFor, tmp_path: Path) -> None:
    stranger = serve(reply(b"", status=status))
    problem = trouble(fetcher_for(stranger), stranger.url, tmp_path / "got")
    assert problem.code == "url_status"
    assert words in problem.message


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConte"])
def test_what_is_no_http(answer: bytes, serve: Serve, fetcher_for: FetcherFor, tmp_path: Path) -> None:
    stranger = serve(lambda connection, _request: connection.sendall(answer))
    assert trouble(fetcher_for(stranger), stranger.url, tmp_path / "got").code in ("url_unreachable", "url_truncated")


def test_nobody_there(fetcher_for: FetcherFor, tmp_path: Path) -> None:
    gone = Stranger(port=1, answer=reply(b""))
    assert trouble(fetcher_for(gone), gone.url, tmp_path / "got").code == "url_unreachable"
    assert trouble(fetcher_for(), "http://no-such-host.invalid/x", tmp_path / "got").code == "url_unreachable"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "clip.mp4",
        "//example.com/clip.mp4",
        "file:///etc/passwd",
        "ftp://example.com/clip.mp4",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "concat:http://a|http://b",
        "http://",
        "http:///clip.mp4",
        "http://exa mple.com/",
        "http://example.com/my clip.mp4",
        "http://example.com/\r\nX: y",
        "http://example.com\\@10.0.0.1/",
        "http://user:password@example.com/",
        "http://example.com:99999/",
        "http://example.com:0/",
        "http://[::1/",
        "http://" + "a" * 5000,
        "data:video/mp4;base64,AAAA",
        "http://\u202eexample.com/",
    ],
)
def test_addresses_that_are_none(url: str, fetcher_for: FetcherFor, tmp_path: Path) -> None:
    problem = trouble(fetcher_for(), url, tmp_path / "got")
    assert problem.code in ("bad_url", "url_unreachable")
    assert problem.message.endswith(".")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk(serve: Serve, fetcher_for: FetcherFor, tmp_path: Path) -> None:
    stranger = serve(reply(samples.video("mp4")))
    (tmp_path / "got").symlink_to("/dev/full")
    problem = trouble(fetcher_for(stranger), stranger.url, tmp_path / "got")
    assert isinstance(problem, UnavailableError)
    assert problem.code == "storage_full"


def test_our_own_addresses_are_read_without_a_network(
    storage: Storage, fetcher_for: FetcherFor, tmp_path: Path, clock: ManualClock
) -> None:
    data = samples.picture()
    key = "uploads/anna/x/portrait.png"
    storage.put(key, data, owner="anna", media_type="image/png", expires_ms=None)
    url = storage.url(key, seconds=60, base_url="http://nowhere.invalid")
    fetcher = fetcher_for()
    for owner in ("anna", "bert"):  # the signature is as good in his hands as in hers
        got = fetcher.fetch(url, tmp_path / owner, kind=Kind.PICTURE, owner=owner)
        assert got.path.read_bytes() == data
    clock.advance(61)
    assert fetcher.fetch(url, tmp_path / "later", kind=Kind.PICTURE, owner="anna").size_bytes == len(data)
    with pytest.raises(ForbiddenError, match="over"):
        fetcher.fetch(url, tmp_path / "got", kind=Kind.PICTURE, owner="bert")


def test_a_guessed_address_of_another_user_opens_nothing(
    storage: Storage, fetcher_for: FetcherFor, tmp_path: Path
) -> None:
    key = "uploads/anna/x/portrait.png"
    storage.put(key, samples.picture(), owner="anna", media_type="image/png", expires_ms=None)
    for query in ("", "?exp=9999999999&sig=" + "0" * 64):
        with pytest.raises(RequestError) as refused:
            fetcher_for().fetch(
                f"http://127.0.0.1:8000/files/{key}{query}", tmp_path / "got", kind=Kind.PICTURE, owner="bert"
            )
        assert refused.value.code == "url_private"
    got = fetcher_for().fetch(f"http://127.0.0.1:8000/files/{key}", tmp_path / "a", kind=Kind.PICTURE, owner="anna")
    assert got.kind is Kind.PICTURE


def test_our_own_address_of_what_is_gone(storage: Storage, fetcher_for: FetcherFor, tmp_path: Path) -> None:
    url = storage.url("uploads/anna/x/portrait.png", seconds=60)
    problem = trouble(fetcher_for(), url, tmp_path / "got", Kind.PICTURE)
    assert isinstance(problem, NotFoundError)
    assert problem.code == "file_gone"
