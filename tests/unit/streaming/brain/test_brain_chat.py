from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from avatarium.errors import AvatariumError, OptionError
from avatarium.settings import Settings
from avatarium.streaming.brain import Memory, open_brain
from avatarium.streaming.brain.phrases import phrases
from avatarium.streaming.brain.stream import endpoint_url
from tests.support.endpoints import Behaviour, answers, endless, endpoint, event, hangs, head, says

T = TypeVar("T")
CONTEXT = "Die Bäckerei öffnet um sechs Uhr.\n\nEin Brot kostet 5 Euro."
QUESTION = "Was kostet ein Brot?"
QUOTED = "Ein Brot kostet 5 Euro."
PATIENCE_S = 60.0


def run(work: Coroutine[Any, Any, T]) -> T:
    async def limited() -> T:
        async with asyncio.timeout(PATIENCE_S):
            return await work

    return asyncio.run(limited())


def settings(home: Path, url: str, **more: object) -> Settings:
    return Settings(home=home, chat_url=url, chat_model="tiny", **{"chat_timeout_s": 0.3, **more})  # type: ignore[arg-type]


async def ask(
    home: Path, behaviour: Behaviour, *, question: str = QUESTION, memory: Memory | None = None, **more: object
) -> tuple[list[str], list[str], dict[str, Any]]:
    """What is said, the codes of the problems, and what the endpoint was sent."""
    problems: list[AvatariumError] = []
    async with endpoint(behaviour) as (url, asked):
        maker = open_brain(settings(home, url, **more))
        try:
            brain = maker.for_room(CONTEXT, language="de-DE", report=problems.append)
            said = [sentence async for sentence in brain.answer(question, memory or Memory())]
        finally:
            await maker.aclose()
        return said, [problem.code for problem in problems], {"head": asked.head, **asked.body}


def test_an_answer_comes_in_sentences(tmp_path: Path) -> None:
    said, problems, _ = run(ask(tmp_path, says("Ein **Brot** ko", "stet fünf Euro. Dar", "f es eins sein?")))
    assert said == ["Ein Brot kostet fünf Euro.", "Darf es eins sein?"]
    assert not problems


def test_the_first_sentence_is_said_while_the_rest_is_still_thought_of(tmp_path: Path) -> None:
    async def first() -> str:
        async with endpoint(hangs(head() + event("Guten Tag. Und"))) as (url, _):
            maker = open_brain(settings(tmp_path, url, chat_timeout_s=5))
            answer = maker.for_room(CONTEXT, language="de").answer(QUESTION, Memory())
            sentence = await anext(answer)
            await answer.aclose()
            await maker.aclose()
            return sentence

    assert run(first()) == "Guten Tag."


def test_the_model_is_told_context_part_and_memory(tmp_path: Path) -> None:
    memory = Memory()
    memory.add("Wann öffnen Sie?", "Um sechs", interrupted=True)
    _, _, sent = run(ask(tmp_path, says("Ja."), memory=memory, chat_prompt="Du bist Frau Keller.", chat_key="s3cret"))
    system, *turns = sent["messages"]
    assert CONTEXT in system["content"] and "Du bist Frau Keller." in system["content"]
    assert [(turn["role"], turn["content"]) for turn in turns] == [
        ("user", "Wann öffnen Sie?"),
        ("assistant", "Um sechs ..."),
        ("user", QUESTION),
    ]
    assert sent["model"] == "tiny" and sent["stream"] is True
    assert "authorization: bearer s3cret" in sent["head"].lower() and "POST /v1/chat/completions " in sent["head"]


def test_an_endpoint_that_does_not_stream_is_heard_too(tmp_path: Path) -> None:
    body = json.dumps({"choices": [{"message": {"content": "Fünf Euro."}}]}).encode()
    assert run(ask(tmp_path, answers(body)))[0] == ["Fünf Euro."]


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (answers(b'{"error":{"message":"no key"}}', status="401 Unauthorized"), "chat_refused"),
        (answers(b"slow down", kind="text/plain", status="429 Too Many Requests"), "chat_busy"),
        (answers(b"oh", kind="text/plain", status="500 Internal Server Error"), "chat_failed"),
        (answers(b"", kind="text/plain", status="302 Found"), "chat_failed"),
        (answers(b"<html><body>Welcome!</body></html>", kind="text/html; charset=utf-8"), "chat_bad_answer"),
        (answers(b"<html><body>Welcome!</body></html>", kind="text/event-stream"), "chat_bad_answer"),
        (answers(b"data: {nonsense\n\n", kind="text/event-stream"), "chat_bad_answer"),
        (answers(b'{"choices": "none"}'), "chat_bad_answer"),
        (answers(b"[1, 2]"), "chat_bad_answer"),
        (answers(b'{"error": {"message": "model not loaded"}}'), "chat_failed"),
        (answers(b'data: {"error": "out of memory"}\n\n', kind="text/event-stream"), "chat_failed"),
        (answers(b'{"choices": [{"message": {"content": null}}]}'), "chat_empty"),
        (answers(b"data: [DONE]\n\n", kind="text/event-stream"), "chat_empty"),
        (says("```python\nprint(1)\n```"), "chat_empty"),
        (answers(b"x" * 2_000_000), "chat_bad_answer"),
        (hangs(), "chat_timeout"),
        (hangs(head()), "chat_timeout"),
        (endless(b": still here\n\n", pause_s=0.01), "chat_timeout"),
        (endless(b'data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}\n\n', pause_s=0.01), "chat_timeout"),
        (endless(b"data: " + b"x" * 60_000), "chat_bad_answer"),
    ],
)
def test_whatever_the_endpoint_does_the_context_answers(tmp_path: Path, behaviour: Behaviour, code: str) -> None:
    said, problems, _ = run(ask(tmp_path, behaviour))
    assert said == [QUOTED]
    assert problems == [code]


def test_nobody_at_the_address(tmp_path: Path) -> None:
    async def nobody() -> tuple[list[str], list[str]]:
        server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        problems: list[AvatariumError] = []
        maker = open_brain(settings(tmp_path, f"http://127.0.0.1:{port}/v1"))
        brain = maker.for_room(CONTEXT, language="de", report=problems.append)
        said = [sentence async for sentence in brain.answer(QUESTION, Memory())]
        await maker.aclose()
        return said, [problem.code for problem in problems]

    assert run(nobody()) == ([QUOTED], ["chat_unreachable"])


def test_what_the_context_does_not_know_either_is_put_off_and_not_denied(tmp_path: Path) -> None:
    said, problems, _ = run(ask(tmp_path, hangs(), question="Wer gewann die Weltmeisterschaft?"))
    assert said == [phrases("de").away]
    assert problems == ["chat_timeout"]


def test_a_pause_in_the_middle_keeps_what_was_said(tmp_path: Path) -> None:
    said, problems, _ = run(ask(tmp_path, hangs(head() + event("Fünf Euro. Und zwar"))))
    assert said == ["Fünf Euro."]
    assert problems == ["chat_timeout"]


def test_an_endless_answer_ends_at_its_bound_in_characters(tmp_path: Path) -> None:
    said, problems, _ = run(ask(tmp_path, endless(event("bla bla. ")), chat_characters_max=90))
    assert said == ["bla bla."] * 10
    assert not problems


def test_an_endless_answer_ends_at_its_bound_in_seconds(tmp_path: Path) -> None:
    said, problems, _ = run(ask(tmp_path, endless(event("bla. "), pause_s=0.05), chat_longest_s=0.4))
    assert 2 <= len(said) <= 9
    assert not problems


@pytest.mark.parametrize("how", ["closed", "cancelled"])
def test_an_interrupt_hangs_up_at_once(tmp_path: Path, how: str) -> None:
    async def interrupted() -> None:
        async with endpoint(endless(event("Noch ein Satz. "), pause_s=0.01)) as (url, asked):
            maker = open_brain(settings(tmp_path, url, chat_characters_max=10**9, chat_timeout_s=20))
            answer = maker.for_room(CONTEXT).answer(QUESTION, Memory())

            async def listen() -> None:
                async for _ in answer:
                    heard.set()

            heard = asyncio.Event()
            if how == "closed":
                await anext(answer)
                await answer.aclose()
            else:
                task = asyncio.create_task(listen())
                await heard.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            # The endpoint notices while the maker is still open, or the run's own patience ends.
            await asked.gone.wait()
            await maker.aclose()

    run(interrupted())


def test_a_reworded_answer_is_said_where_it_keeps_to_the_passages(tmp_path: Path) -> None:
    said, problems, sent = run(ask(tmp_path, says("Für ein Brot zahlt man 5 Euro."), chat_grounded=True))
    assert said == ["Für ein Brot zahlt man 5 Euro."]
    assert QUOTED in sent["messages"][0]["content"]
    assert not problems


def test_a_reworded_answer_with_another_number_is_replaced_by_the_passage(tmp_path: Path) -> None:
    said, problems, _ = run(ask(tmp_path, says("Für ein Brot zahlt man 4 Euro."), chat_grounded=True))
    assert said == [QUOTED]
    assert not problems


def test_a_grounded_model_is_not_asked_what_the_context_does_not_know(tmp_path: Path) -> None:
    said, _, sent = run(ask(tmp_path, says("Deutschland!"), question="Wer gewann den Pokal?", chat_grounded=True))
    assert said == [phrases("de").unknown]
    assert sent["head"] == ""


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1/chat/completions"),
        ("https://api.example.org/v1/", "https://api.example.org/v1/chat/completions"),
        ("http://box/v1/chat/completions", "http://box/v1/chat/completions"),
    ],
)
def test_the_address_is_found(written: str, url: str) -> None:
    assert endpoint_url(written) == url


@pytest.mark.parametrize("written", ["ollama", "ftp://box/v1", "http://", "/v1"])
def test_an_address_that_is_none_is_said_so_at_the_start(tmp_path: Path, written: str) -> None:
    with pytest.raises(OptionError) as caught:
        open_brain(settings(tmp_path, written))
    assert caught.value.code == "bad_chat_url"
