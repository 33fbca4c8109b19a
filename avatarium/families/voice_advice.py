"""A look at recordings before a voice is cloned from them, for nothing (``userVoice/advice``)."""

from __future__ import annotations

from typing import Any, ClassVar

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy import Connection

from avatarium.accounts import ledger
from avatarium.errors import BusyError, InputError, RequestError
from avatarium.families import cloning
from avatarium.families.fields import LenientStart
from avatarium.families.voice_clone import VoiceUrls, fetched, look_up_recordings
from avatarium.prices import Price
from avatarium.tasks.family import Desk, Family, Links, Plan, Step
from avatarium.tasks.job import Job
from avatarium.tasks.models import Task, tasks
from avatarium.tasks.states import OPEN, State

OPEN_MAX = 2
"""Looks of one user that may wait or run."""
EXPECTED_S = 8.0
SOON_S = 10.0
_UNFIT = ("voice_too_short", "voice_too_long")


class VoiceAdviceStart(LenientStart):
    """``POST userVoice/advice``."""

    voice_urls: VoiceUrls = Field(description="The recordings that a voice shall be cloned from.")
    language: str = Field("", max_length=40, description="What is spoken in them, such as en-US.")


class VoiceAdviceFamily(Family[VoiceAdviceStart]):
    """Fetch them, listen, say what is thought."""

    name: ClassVar[str] = "voiceAdvice"
    group: ClassVar[str] = "TTS and Voice Clone"
    engine: ClassVar[str] = cloning.ENGINE
    generic: ClassVar[bool] = False
    limit_s: ClassVar[float] = 600.0
    start = VoiceAdviceStart

    def __init__(self) -> None:
        self.steps = (Step("listen", _listen),)

    @property
    def paths(self) -> tuple[str, ...]:
        return ("/uservoice/advice",)

    def plan(self, start: VoiceAdviceStart, desk: Desk) -> Plan:
        spoken = cloning.tongues(start.language, "")["spoken"]
        look_up_recordings(start.voice_urls, desk)
        return Plan(price=Price(0), expected_s=EXPECTED_S, facts={"spoken": spoken})

    def admit(self, c: Connection, task: Task) -> None:
        ledger.lock(c, task.user_id)  # or two that come at once would each count without the other
        mine = (tasks.c.user_id == task.user_id, tasks.c.family == self.name, tasks.c.id != task.id)
        query = sa.select(sa.func.count()).where(*mine, tasks.c.state.in_([state.value for state in OPEN]))
        if c.execute(query).scalar_one() >= OPEN_MAX:
            raise BusyError(
                f"{OPEN_MAX} of your recordings are being listened to already. Wait for the answers.",
                code="too_many_looks",
                retry_after_s=SOON_S,
            )

    def view(self, task: Task, links: Links) -> dict[str, Any]:
        start = VoiceAdviceStart.model_validate(task.request)
        found = task.result if task.state is State.COMPLETED else {}
        return {
            "voice_urls": start.voice_urls,
            "language": start.language,
            "score": found.get("score"),
            "fit_to_train": found.get("fit_to_train"),
            "advice": found.get("advice", []),
            "reason": found.get("reason", ""),
            "seconds": found.get("seconds"),
            "facts": found.get("facts", {}),
        }


def _listen(job: Job[VoiceAdviceStart]) -> dict[str, Any]:
    """What is thought of them. What no voice can be made of is an answer too, not a failure."""
    from avatarium.engine.speech.cloning import advise_voice

    try:
        paths, seconds = fetched(job, job.start.voice_urls)
        found = advise_voice(paths, language=str(job.facts["spoken"]))
    except InputError as problem:
        return _unfit(problem.message, problem.code)
    except RequestError as problem:
        if problem.code not in _UNFIT:
            raise
        return _unfit(problem.message, problem.code)
    return {
        "score": found.score,
        "fit_to_train": found.fit,
        "advice": list(found.sentences),
        "reason": found.reason,
        "seconds": round(float(found.seconds), 2) or round(seconds, 2),
        "facts": {name: round(float(value), 4) for name, value in found.facts.items()},
    }


def _unfit(sentence: str, reason: str) -> dict[str, Any]:
    return {"score": 0, "fit_to_train": False, "advice": [sentence], "reason": reason, "seconds": 0.0, "facts": {}}


FAMILY = VoiceAdviceFamily()
