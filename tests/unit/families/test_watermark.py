"""Where a watermark waits, how long it takes, and what is refused before anything is charged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from avatarium.accounts.models import Principal, Role
from avatarium.errors import AvatariumError
from avatarium.families.watermark import FAMILY, WatermarkStart
from avatarium.tasks.family import Plan, Queue
from avatarium.tasks.states import State
from tests.running import Running, running


@pytest.fixture(scope="module")
def it(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("watermarks")) as made:
        yield made


def plan(it: Running, **fields: Any) -> Plan:
    start = WatermarkStart.model_validate({"media_url": "https://files.example/a.png", "text": "x"} | fields)
    return FAMILY.plan(start, it.platform.desk(it.user_id))


@pytest.mark.parametrize(
    ("url", "queue"),
    [
        ("https://files.example/a.png", Queue.QUICK),
        ("https://files.example/A.JPEG?width=9&name=b.mp4", Queue.QUICK),
        ("https://files.example/a.gif#x.mp4", Queue.QUICK),
        ("https://files.example/a.mp4", Queue.MEDIA),
        ("https://files.example/a.png/play", Queue.MEDIA),
        ("https://files.example/?file=a.png", Queue.MEDIA),
        ("https://files.example", Queue.MEDIA),
    ],
)
def test_long_watermark_videos_held_up_speech(it: Running, url: str, queue: Queue) -> None:
    """They had the queue of what is done in seconds."""
    assert plan(it, media_url=url).queue is queue


def test_what_is_stored_here_is_known_whatever_it_is_called(it: Running) -> None:
    assert plan(it, media_url=it.upload(b"\x89PNG\r\n\x1a\n" + bytes(50), "a.mp4")).queue is Queue.QUICK
    video = it.upload(b"\0\0\0\x18ftypmp42" + bytes(50), "a.png", duration_s=100.0)
    assert plan(it, media_url=video).queue is Queue.MEDIA
    assert plan(it, media_url=video).expected_s == pytest.approx(44)


def test_a_task_waits_where_its_plan_says_and_so_does_its_retry(it: Running) -> None:
    user = Principal(user_id=it.user_id, role=Role.USER, key_id="", scopes=frozenset(), origins=())
    start = WatermarkStart(media_url="https://files.example/a.mp4", text="x")
    task = it.platform.tasks.submit(user, FAMILY, start)
    assert task.queue == "media"
    it.platform.tasks.finish(task, State.FAILED, failed_code="url_unreachable")
    assert it.platform.tasks.retry(user, FAMILY, task.id).queue == "media"
    picture = start.model_copy(update={"media_url": "https://files.example/a.png"})
    assert it.platform.tasks.submit(user, FAMILY, picture).queue == "quick"
    it.worker.waiting.clear()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"position": "nowhere"}, "position_unknown"), ({"text": "\u200b"}, "text_empty"), ({"text": ""}, "no_text")],
)
def test_an_unknown_position_was_quoted_and_charged_before_it_was_refused(
    it: Running, wrong: dict[str, str], reason: str
) -> None:
    with pytest.raises(AvatariumError) as caught:
        plan(it, **wrong)
    assert caught.value.code == reason
    body = {"media_url": "https://files.example/a.png", "text": "x", "position": "nowhere"}
    answer = it.post("generation/quote", {"endpoint": "watermark/start", "requestBody": body})
    assert (answer["status"], answer["reason"]) == (400, "position_unknown")


def test_checking_a_mark_loads_no_media_libraries() -> None:
    code = (
        "import sys; from avatarium.engine.watermark import Position; import avatarium.families.watermark; "
        "Position.parse('tile'); print(set(sys.modules) & {'cv2', 'numpy', 'av', 'PIL'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"
