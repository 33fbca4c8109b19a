"""Services of the operator's that are slow, broken or lead elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from avatarium.engine.endpoints import Reply, post_json
from avatarium.engine.speech.outside import Vendor, parse_voices, speak_outside, use_vendor
from avatarium.engine.translation.external import ExternalTranslator
from avatarium.errors import StalledError, TextError

Act = Callable[[BaseHTTPRequestHandler], None]
DRIP_S = 0.05
SHORT_S, LONG_S = 0.6, 20.0


@contextmanager
def service(act: Act) -> Iterator[tuple[str, list[str]]]:
    """A service that answers as it is told; with its address and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            act(self)

        def do_GET(self) -> None:
            asked.append(self.path)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answers(status: int, body: bytes = b"", **headers: str) -> Act:
    def act(to: BaseHTTPRequestHandler) -> None:
        to.send_response(status)
        for name, value in headers.items():
            to.send_header(name, value)
        to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)

    return act


def drips(to: BaseHTTPRequestHandler) -> None:
    """One byte at a time, for as long as anybody listens."""
    to.send_response(200)
    to.end_headers()
    try:
        while True:
            to.wfile.write(b" ")
            threading.Event().wait(DRIP_S)
    except OSError:
        return


def breaks_off(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.send_header("Content-Length", "1000")
    to.end_headers()
    to.wfile.write(b"{")


def posted(url: str, *, timeout_s: float = LONG_S) -> Reply:
    return post_json(url, {"a": 1}, key="secret", timeout_s=timeout_s, most_bytes=100)


def test_the_answer_as_it_is() -> None:
    with service(answers(418, b"tea")) as (url, _):
        assert posted(url) == Reply(status=418, body=b"tea")


def test_no_redirect_is_followed_with_the_key() -> None:
    with service(answers(307, Location="/elsewhere")) as (url, asked):
        assert posted(url).status == 307
    assert asked == ["/v1"]


def test_a_service_that_drips_is_given_up_in_time() -> None:
    with service(drips) as (url, _), pytest.raises(TimeoutError):
        posted(url, timeout_s=SHORT_S)


def test_more_than_is_taken() -> None:
    with service(answers(200, bytes(101))) as (url, _), pytest.raises(ValueError, match="too large"):
        posted(url)


def test_an_answer_that_breaks_off() -> None:
    with service(breaks_off) as (url, _), pytest.raises(ConnectionError):
        posted(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://[/v1", "http://"])
def test_nobody_there(url: str) -> None:
    with pytest.raises(ConnectionError):
        posted(url)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (drips, "did not answer in time"),
        (breaks_off, "cannot be reached"),
        (answers(307, Location="/elsewhere"), "status 307"),
        (answers(200, b"[]"), "no list of lines"),
        (answers(200, b"[" * 100_000), "no list of lines"),
    ],
)
def test_a_translation_service_that_misbehaves_is_a_sentence_not_a_crash(act: Act, reason: str) -> None:
    with service(act) as (url, asked):
        translator = ExternalTranslator(url=url, model="m", key="secret", timeout_s=SHORT_S if act is drips else LONG_S)
        with pytest.raises(TextError, match=reason):
            translator.translate(["Good morning."], "en", "es")
    assert set(asked) <= {"/v1/chat/completions"}


@pytest.mark.parametrize(
    ("act", "code"),
    [(drips, "voice_away"), (breaks_off, "voice_away"), (answers(307, Location="/elsewhere"), "voice_refused")],
)
def test_outside_voices_that_misbehave_are_a_sentence_not_a_wait_for_ever(act: Act, code: str) -> None:
    with service(act) as (url, asked):
        voices = parse_voices(["alloy:female:en-US"])
        use_vendor(
            Vendor(url=url, model="m", voices=voices, key="secret", timeout_s=SHORT_S if act is drips else LONG_S)
        )
        try:
            with pytest.raises(StalledError) as problem:
                list(speak_outside("Good morning.", voices[0], 1.0))
        finally:
            use_vendor(None)
    assert problem.value.code == code
    assert set(asked) <= {"/v1/audio/speech"}
