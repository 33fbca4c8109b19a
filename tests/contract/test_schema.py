"""The OpenAPI document against the API: whatever is sent, no answer is a bug, and all have their documented shape.

``AVATARIUM_SCHEMA_EXAMPLES=200`` looks longer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.errors import SchemathesisError
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from avatarium.accounts import ledger
from avatarium.errors import InputError
from avatarium.tasks.models import Task
from tests.running import Running, running
from tests.support.stage import stages

EXAMPLES = int(os.environ.get("AVATARIUM_SCHEMA_EXAMPLES", "3"))
SEED = 20250102
CHECKS: list[Any] = [status_code_conformance, content_type_conformance, response_schema_conformance]
NOT_READY = ("/readyz", 503)
"""There is no worker here."""
FREELY: dict[str, Any] = {"rate_limit": "100000/second", "rate_limit_anonymous": "100000/second", "user_open": 10_000}
FREELY |= {"live_user_rooms": 10_000}


def refused(task: Task, step: str) -> None:
    raise InputError("The picture shows nobody.", code="nobody")


@pytest.fixture
def it(tmp_path: Path, database_url: str) -> Iterator[Running]:
    """Tasks that are started fail at once, so that no call waits for the engine."""
    with (
        running(tmp_path, database_url, fetch_timeout_s=1, **FREELY) as made,
        stages(made.platform, places=1e9) as (stage,),
    ):
        stage.register(lasts_s=3600)
        made.worker.before_step = refused
        admin, _ = made.platform.accounts.ensure_admin()
        with made.platform.database.write() as c:
            ledger.grant(c, admin.id, 10**6, key="much", note="", now_ms=1)
        made.client.headers["Authorization"] = f"Bearer {made.platform.accounts.create_key(admin.id)[1]}"
        with made.working():
            yield made


def problems(it: Running, operation: Any, mode: GenerationMode, names: list[str]) -> list[str]:
    """What is wrong with the answers of one call."""
    found: list[str] = []

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(case=operation.as_strategy(mode))
    def attack(case: Any) -> None:
        if len(found) < 3:
            found.extend(wrong_with(it, case, names))

    try:
        attack()
    except (SchemathesisError, Unsatisfiable):
        return []  # such as a call to which nothing wrong can be sent
    return found


def wrong_with(it: Running, case: Any, names: list[str]) -> list[str]:
    if names and "_id" in case.path_parameters and len(str(case.body)) % 2:
        case.path_parameters["_id"] = names[0]
    answer = case.call(headers=dict(it.client.headers))
    told = f"{case.method} {case.formatted_path} {str(case.query)[:200]} {str(case.body)[:300]}: {answer.status_code}"
    complaint = out_of_shape(answer)
    if complaint and (case.path, answer.status_code) != NOT_READY:
        return [f"{told}: {complaint}: {answer.text[:300]}"]
    try:
        case.validate_response(answer, checks=CHECKS)
    except AssertionError as problem:
        return [f"{told}: {problem}"]
    except BaseExceptionGroup as several:
        return [f"{told}: {several.exceptions}"]
    return []


def out_of_shape(answer: Any) -> str:
    """What is wrong with an answer, whatever was asked; empty for nothing."""
    if answer.status_code >= 500:
        return "a bug"
    kind = answer.headers.get("content-type", [""])[0]
    if kind.startswith("text/event-stream"):
        return ""
    body = json.loads(answer.text)
    wanted = {"code", "data", "trace_id"} | ({"message", "msg", "reason"} if answer.status_code >= 400 else set())
    if not wanted <= set(body) or (body["code"] == 0) != (answer.status_code == 200):
        return "no envelope"
    if answer.status_code >= 400 and not (body["message"] == body["msg"] != "" and body["data"] is None):
        return "an error without a sentence"
    return ""


@pytest.mark.long
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
def test_every_answer_has_its_documented_shape(it: Running, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", it.client.app)
    task = it.post("talkingPhoto/start", {"image_url": "https://files.example/face.jpg"})
    found: list[str] = []
    count = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        count += 1
        found += problems(it, result.ok(), mode, [task["_id"]])
    assert count > 60
    assert not found, "\n".join(found)
