"""``docs/api.md``: it is what the application says today, names every route, and each of its commands works."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import APIRoute
from PIL import Image

from avatarium.accounts import ledger
from avatarium.accounts.models import Role, users
from avatarium.api.reasons import reasons
from avatarium.api.reference import application, renewed
from avatarium.api.routes import dubbing
from avatarium.families import dubbing as dubbing_family
from avatarium.families.dubbing_start import DubbingStart
from avatarium.families.dubbing_transcripts import key_of
from avatarium.prices import Unit
from avatarium.tasks.courier import Courier, webhook_secret
from avatarium.tasks.models import Delivery
from avatarium.tasks.states import State
from tests.running import Running, running
from tests.support.stage import StageDouble, stages
from tests.support.twins import made_model, made_twin, principal
from tests.support.voices import RECORDING, made_voice, training

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
TEXT = PAGE.read_text(encoding="utf-8")
TASK, KEY, SPEECH, OWN = (f"64f0c0ffee0000000000{end}" for end in ("a001", "a0f1", "b101", "aa02"))
MODEL = "64f0c0ffee0000000000f002"
DELIVERY = "64f0c0ffee0000000000d101"
AVA = "2997dfc62ef129559908a47f"
CHANNEL = "a1b2c"
HOOK = {"webhook_url": "https://app.example/hook"}


@pytest.fixture(scope="module")
def app() -> Iterator[FastAPI]:
    with application() as made:
        yield made


def test_the_page_is_current(app: FastAPI) -> None:
    assert renewed(TEXT, app) == TEXT, "run `python -m avatarium.api.reference docs/api.md`"


def test_every_route_is_named(app: FastAPI) -> None:
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    assert len(routes) > 60
    for route in routes:
        path = route.path_format.replace(":path", "")
        for method in route.methods or ():
            assert re.search(rf"\b{method}\b.* ?{re.escape(path)}[`\n]", TEXT), f"{method} {path}"


def test_every_reason_has_a_sentence_and_is_found_by_its_status() -> None:
    found = {reason.code: reason for reason in reasons()}
    for code, status in (("too_few_coins", 402), ("rate_limited", 429), ("wrong_method", 405), ("no_face", 0)):
        assert found[code].status == status
    assert found["two_backgrounds"].number == 30005
    assert {"engine_bug", "time_limit", "cancelled", "interrupted"} <= set(found)
    assert [reason.code for reason in found.values() if not reason.sentence] == [
        *("clip_unfit", "bad_url", "invalid_request")
    ]


# Every command, as it is printed


def commands() -> list[tuple[str, str, str]]:
    """The calls of the page with their commands and answers."""
    part = TEXT[TEXT.index("<!-- made: calls -->") : TEXT.index("## Every reason")]
    shape = r"^### (.+?)$(?:(?!^### ).)*?^```sh\n(.*?)^```$\n\n```(?:json|text)\n(.*?)^```$"
    return re.findall(shape, part, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def it(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    relay: dict[str, Any] = {"ice_servers": ["turn:turn.example:3478"], "turn_secret": "north"}
    with (
        running(tmp_path_factory.mktemp("home"), user_open=1000, live_user_rooms=100, **relay) as made,
        stages(made.platform, places=100.0) as (stage,),
        made.working(),
    ):
        _promote(made)
        _STAGES.append(stage)
        yield made


@pytest.mark.long
@pytest.mark.parametrize(("call", "command", "answer"), commands(), ids=[call for call, _, _ in commands()])
def test_a_command_works_as_printed(it: Running, call: str, command: str, answer: str) -> None:
    if call == "GET /readyz":
        pytest.skip("needs a worker process; the acceptance tests ask it")
    for placeholder, real in _yours(it, call).items():
        command = command.replace(placeholder, real)
    method, url, headers, body = _read(command)
    response = it.client.request(method, url, headers=headers, content=body)
    assert response.status_code == 200, response.text
    if call.endswith("/events"):
        assert "event: end" in response.text and "event: end" in answer
        return
    envelope = response.json()
    assert envelope["code"] == 0
    if "as above" not in answer:
        assert _shape(envelope["data"]) == _shape(json.loads(answer)), call


def _read(command: str) -> tuple[str, str, dict[str, str], bytes | None]:
    """What curl would send."""
    words = iter(shlex.split(command.replace("\\\n", " ")))
    assert next(words) == "curl"
    method, url, body, headers = "", "", None, {}
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, value = next(words).split(": ", 1)
            headers[name] = value
        elif word == "-d":
            body = next(words).encode()
        elif word != "-N":
            url = word
    if "Authorization" in headers:
        assert headers.pop("Authorization") == "Bearer $KEY"
    return method or ("GET" if body is None else "POST"), url.replace("$URL", "http://testserver"), headers, body


def _shape(data: Any) -> Any:
    """The names and kinds of an answer: of a list its first entry, of numbers and nulls that they are such."""
    if isinstance(data, dict):
        return {name: _shape(value) for name, value in sorted(data.items())}
    if isinstance(data, list):
        return [_shape(data[0])] if data and isinstance(data[0], dict | list) else []
    return "text" if isinstance(data, str) else "truth" if isinstance(data, bool) else "value"


def _yours(it: Running, call: str) -> dict[str, str]:
    """What stands in place of the page's own ids and addresses, made for this call."""
    picture = it.upload(_picture(), "face.png")
    files = ("https://files.example/face.jpg", "https://files.example/p.png", "https://files.example/v.mp4")
    pages = ("https://example.com/office.jpg", "https://example.com/portrait.jpg")
    yours = dict.fromkeys((*files, *pages), picture)
    yours["https://files.example/speech.mp3"] = it.upload(b"ID3\x04" + bytes(2000), "speech.mp3", duration_s=5.0)
    for words, make in _MAKERS.items():
        if words in call:
            return yours | make(it, picture, call)
    return yours


def _task(path: str, **given: Any) -> Callable[[Running, str, str], dict[str, str]]:
    def make(it: Running, picture: str, call: str) -> dict[str, str]:
        request = {name: picture if value == "picture" else value for name, value in given.items()}
        task = it.post(path, request)
        if "retry" in call or "events" in call:
            it.post(f"tasks/{task['_id']}/cancel")
        return {TASK: task["_id"]}

    return make


def _speech(it: Running, picture: str, call: str) -> dict[str, str]:
    it.post("video/send_tts", {"msg": "Hello there."})
    return {SPEECH: it.get("tts/preview/list")["data"][0]["_id"]}


def _key(it: Running, picture: str, call: str) -> dict[str, str]:
    return {KEY: it.post("token/generate", {"alias": "my app", "scopes": ["read"]})["_id"]}


def _own_twin(it: Running, picture: str, call: str) -> dict[str, str]:
    return {TASK: made_twin(it).training_id}


def _own_model(it: Running, picture: str, call: str) -> dict[str, str]:
    return {MODEL: made_model(it, made_twin(it)).id}


def _own_voice(it: Running, picture: str, call: str) -> dict[str, str]:
    voice = training(it) if "retry" in call or "cancel" in call else made_voice(it, consent=True)
    if "retry" in call:
        it.post(f"tasks/{voice.id}/cancel")
    return {TASK: voice.id}


def _recording(it: Running, picture: str, call: str) -> dict[str, str]:
    """Somebody who speaks for twelve seconds."""
    text = "Good morning everybody. This is what my voice sounds like. I read a few sentences to you. " * 2
    return {RECORDING: it.post("video/send_tts", {"msg": text})}


def _dubbing(it: Running, picture: str, call: str) -> dict[str, str]:
    """One that waits, one that was cancelled, or one that is done and has a transcript."""
    asked = {"source_url": "https://files.example/film.mp4", "source_lang": "en", "target_lang": "es"}
    start = DubbingStart.model_validate(asked)
    task = it.platform.tasks.submit(principal(it.user_id), dubbing_family.FAMILY, start)
    it.worker.waiting = type(it.worker.waiting)(waits for waits in it.worker.waiting if waits[0] != task.id)
    if "retry" in call:
        it.post(f"tasks/{task.id}/cancel")
    elif "/cancel" not in call and "allProcessing" not in call:
        begun = it.platform.tasks.begin(task.id, task.attempt)
        assert begun is not None
        key, content = key_of(it.user_id, task.id, 1), json.dumps(dubbing.DOCUMENT).encode()
        it.platform.storage.put(
            key, content, owner=it.user_id, media_type="application/json", expires_ms=None, duration_s=42.4
        )
        made = {"speakers": [dubbing.SPEAKER], "lips": True, "seconds": 42.4}
        it.platform.tasks.finish(begun, State.COMPLETED, result=made)
    return {TASK: task.id}


def _own_background(it: Running, picture: str, call: str) -> dict[str, str]:
    return {OWN: it.post("custom_back/add", {"img_url": picture, "name": "My office"})["_id"]}


def _delivery(it: Running, picture: str, call: str) -> dict[str, str]:
    task = it.post("talkingPhoto/start", {"image_url": picture, **HOOK})
    it.post(f"tasks/{task['_id']}/cancel")
    it.platform.settings = it.platform.settings.model_copy(update={"webhook_attempts": 1})
    it.platform.poster.post = lambda url, body, headers: 503  # type: ignore[method-assign]
    Courier(it.platform).deliver_due()
    return {DELIVERY: it.get("webhooks/deliveries")["rows"][0]["_id"]}


def _room(it: Running, picture: str, call: str) -> dict[str, str]:
    """A room that somebody watches."""
    stage = _STAGES[-1]
    stage.register()
    booking = {"avatar_id": AVA, "expire_seconds": 60}
    channel = it.post("streaming-avatar/agora-token", booking)["channel"]
    it.post("streaming-avatar/set-qa-context", {"channel": channel, "text": "The shop is open from 9 to 17."})
    it.platform.rooms.note_joined(it.platform.rooms.find(it.user_id, channel).id)
    if "events" in call:
        it.post("streaming-avatar/leave", {"channel": channel})
    return {CHANNEL: channel}


def _somebody(it: Running, picture: str, call: str) -> dict[str, str]:
    name = f"ada {call}"[:60]
    if "login" in call:
        it.platform.accounts.add_user(name, password="correct horse battery staple")
    return {'"ada"': json.dumps(name)}


_STAGES: list[StageDouble] = []
_VIDEO = {"anchor_id": AVA, "audioSrc": "https://files.example/talk.mp3"}
_MAKERS: dict[str, Callable[[Running, str, str], dict[str, str]]] = {
    "/api/v1/video/send_tts": lambda it, picture, call: {},
    "/tts/preview/": _speech,
    "/api/v1/token/": _key,
    "/custom_back/": _own_background,
    "/webhooks/": _delivery,
    "/api/v1/user/add": _somebody,
    "/login/": _somebody,
    "/userVoice/advice": _recording,
    "/userVoice/": _own_voice,
    "/userDubbing/": _dubbing,
    **dict.fromkeys(("/continueTran", "/continueTrai", "/addVoiceClone"), _own_twin),
    "/lip_models": _own_model,
    "/userVideoTwin/": _task("userVideoTwin/startTraining", name="demo", image_url="picture"),
    "/watermark/": _task("watermark/start", media_url="picture", text="Made with AI"),
    "/api/v1/video/": _task("video/generate", **_VIDEO),
    "/talkingPhoto/": _task("talkingPhoto/start", image_url="picture"),
    "/streaming-avatar/": _room,
    "/tasks/": _task("talkingPhoto/start", image_url="picture"),
}


def _promote(it: Running) -> None:
    """Let the caller do everything, and have enough for it."""
    with it.platform.database.write() as c:
        c.execute(sa.update(users).where(users.c.id == it.user_id).values(role=Role.ADMIN))
        for unit in Unit:
            ledger.grant(c, it.user_id, 100_000, key="for the page", note="", now_ms=1, unit=unit)


def _picture() -> bytes:
    made = BytesIO()
    Image.new("RGB", (320, 240), (90, 120, 150)).save(made, "PNG")
    return made.getvalue()


# The words around


def test_the_code_that_checks_a_signature_works(it: Running) -> None:
    found = re.search(r"```python\n(import hashlib.*?)```", TEXT, re.DOTALL)
    assert found
    given: dict[str, Any] = {}
    exec(found[1], given)  # noqa: S102 - it is ours
    body, secret = b'{"event": "task.completed"}', webhook_secret(it.platform.secret, it.user_id)
    delivery = Delivery(
        id=DELIVERY, user_id=it.user_id, task_id=TASK, event="task.completed", url="", token="mine", attempts=0,
        next_ms=0, delivered_ms=None, status=None, error="", created_ms=0,
    )  # fmt: skip
    headers = Courier(it.platform)._headers(delivery, body)
    assert headers["X-A2e-Webhook-Token"] == "mine"
    signature = headers["X-Avatarium-Signature"]
    assert given["is_genuine"](body, signature, secret)
    assert not given["is_genuine"](body + b" ", signature, secret)
    assert not given["is_genuine"](body, signature, secret + "x")
    assert not given["is_genuine"](body, signature.replace("t=", "t=1"), secret)
    assert not given["is_genuine"](body, "", secret)
