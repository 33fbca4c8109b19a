"""A translation service that answers well, badly or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from avatarium.engine.translation.external import BATCH, ExternalTranslator
from avatarium.errors import OptionError, TextError

Answer = Callable[[list[str]], str]


@contextmanager
def service(answer: Answer, *, status: int = 200) -> Iterator[tuple[ExternalTranslator, list[dict[str, Any]]]]:
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body | {"path": self.path, "key": self.headers.get("Authorization")})
            content = answer(json.loads(body["messages"][1]["content"]))
            told = json.dumps({"choices": [{"message": {"content": content}}]}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/v1"
        yield ExternalTranslator(url=url, model="m", key="secret", timeout_s=5), asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def marked(lines: list[str]) -> str:
    return "Sure!\n```json\n" + json.dumps([f"<{line}>" for line in lines]) + "\n```"


def test_lines_come_back_in_their_order_whatever_is_written_round_them() -> None:
    with service(marked) as (translator, asked):
        assert translator.translate(["One.", "", "Two {x}."], "en", "de") == ["<One.>", "", "<Two {x}.>"]
    assert asked[0]["path"] == "/v1/chat/completions"
    assert asked[0]["key"] == "Bearer secret"


def test_many_lines_go_in_several_calls() -> None:
    with service(marked) as (translator, asked):
        assert len(translator.translate([f"{n}." for n in range(BATCH + 1)], "en", "de")) == BATCH + 1
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda lines: json.dumps([*lines, "more"]), "2 lines came for 1"),
        (lambda lines: "I cannot.", "no list of lines"),
        (lambda lines: json.dumps([""]), "empty"),
        (lambda lines: json.dumps(["am 5., X0X"]), "a number was lost"),
        (lambda lines: json.dumps(["am 5. um 7"]), "a placeholder was lost"),
    ],
)
def test_what_does_not_fit_is_asked_again_and_then_refused(answer: Answer, reason: str) -> None:
    with service(answer) as (translator, asked):
        with pytest.raises(TextError, match=reason) as refused:
            translator.translate(["On the 5th at 7, {name}."], "en", "de")
        assert len(asked) == 2
    assert refused.value.code == "translation_failed"
    assert "secret" not in str(refused.value) + repr(translator)


def test_a_refusal_of_the_service_names_its_status() -> None:
    with service(marked, status=401) as (translator, _), pytest.raises(TextError, match="status 401"):
        translator.translate(["One."], "en", "de")


def test_nobody_there() -> None:
    translator = ExternalTranslator(url="http://127.0.0.1:9", model="m", timeout_s=2)
    with pytest.raises(TextError, match="cannot be reached"):
        translator.translate(["One."], "en", "de")


@pytest.mark.parametrize(("url", "model"), [("", "m"), ("ftp://x", "m"), ("http://x", "")])
def test_settings_that_cannot_work(url: str, model: str) -> None:
    with pytest.raises(OptionError) as refused:
        ExternalTranslator(url=url, model=model)
    assert refused.value.code == "translation_setting"
