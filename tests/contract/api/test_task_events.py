"""The stream of a task's events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sse_starlette import ServerSentEvent

from avatarium.api.routes import tasks as routes
from avatarium.families.talking_photo import FAMILY
from tests.running import Running, running

FACE = {"name": "demo", "image_url": "https://files.example/face.jpg"}


@pytest.fixture
def it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(routes, "LOOK_S", 0.02)
    with running(tmp_path) as made:
        yield made


def events_of(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_a_task_that_is_done_ends_the_stream_at_once(it: Running) -> None:
    task = it.post("talkingPhoto/start", FACE)
    it.post(f"talkingPhoto/{task['_id']}/cancel")
    response = it.client.get(f"/api/v1/tasks/{task['_id']}/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    ((name, record),) = events_of(response.text)
    assert (name, record["current_status"], record["family"]) == ("end", "failed", "talkingPhoto")


def after_each(monkeypatch: pytest.MonkeyPatch, kind: str, *steps: Callable[[], object]) -> None:
    """Do one thing after the other, each when another event of a kind is told."""
    told, waiting = routes._event, iter(steps)

    def tell(name: str, data: dict[str, Any]) -> ServerSentEvent:
        event = told(name, data)
        if name == kind:
            next(waiting, lambda: None)()
        return event

    monkeypatch.setattr(routes, "_event", tell)


def test_progress_is_told_as_it_happens_and_the_end_comes_last(it: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    task = it.post("talkingPhoto/start", FACE)
    tasks = it.platform.tasks

    def begin(percent: int) -> None:
        begun = tasks.begin(task["_id"], 1)
        assert begun is not None
        tasks.progress(begun, percent)

    def go_on(percent: int) -> None:
        tasks.progress(tasks.find(it.user_id, task["_id"])[0], percent)

    steps = [partial(begin, 20), partial(go_on, 40), partial(go_on, 60)]
    after_each(monkeypatch, "progress", *steps, lambda: tasks.cancel(it.user_id, FAMILY, task["_id"]))
    events = events_of(it.client.get(f"/api/v1/tasks/{task['_id']}/events").text)
    names = [name for name, _ in events]
    assert names[0] == "state" and names[-1] == "end" and names.count("end") == 1
    assert [data["current_status"] for name, data in events if name == "state"] == ["initialized", "processing"]
    percents = [data["progress"] for name, data in events if name == "progress"]
    assert percents == [0, 20, 40, 60]
    assert all(
        {"_id", "progress", "eta_s", "queue_position"} == set(data) for name, data in events if name == "progress"
    )


def test_a_task_that_is_deleted_meanwhile_ends_the_stream(it: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    task = it.post("talkingPhoto/start", FACE)
    after_each(monkeypatch, "progress", lambda: it.platform.tasks.delete(it.user_id, FAMILY, task["_id"]))
    events = events_of(it.client.get(f"/api/v1/tasks/{task['_id']}/events").text)
    assert [name for name, _ in events] == ["state", "progress", "error"]
    assert events[-1][1]["reason"] == "task_not_found"


def test_others_see_nothing(it: Running) -> None:
    task = it.post("talkingPhoto/start", FACE)
    path = f"tasks/{task['_id']}/events"
    assert it.get(path, **it.other)["reason"] == "task_not_found"
    assert it.get(path, Authorization="Bearer sk_wrong")["status"] == 401


def test_any_task_is_shown_with_its_family(it: Running) -> None:
    task = it.post("talkingPhoto/start", FACE)
    assert it.get(f"tasks/{task['_id']}") == it.get(f"talkingPhoto/{task['_id']}") | {"family": "talkingPhoto"}
    assert it.post(f"tasks/{task['_id']}/cancel")["failed_code"] == "cancelled"
