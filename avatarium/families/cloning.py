"""What all clonings of voices have in common, whether of recordings or of an avatar's video: limits, steps, records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.accounts import ledger
from avatarium.catalogue.lip_models import lock_avatar
from avatarium.catalogue.models import NAME_MAX, UserVoice
from avatarium.catalogue.service import Catalogue
from avatarium.catalogue.user_voices import clone_tag, count_voices
from avatarium.catalogue.voices import wanted_locale
from avatarium.clock import HOUR_MS, iso
from avatarium.database import Database
from avatarium.errors import ConflictError, ForbiddenError, InputError, NotFoundError, RequestError
from avatarium.families.twin import is_open
from avatarium.families.twin_owned import TWIN_VOICE, twin_gone
from avatarium.prices import Price, Unit
from avatarium.tasks.family import Desk, Links
from avatarium.tasks.job import Job, results_of
from avatarium.tasks.models import Task, tasks
from avatarium.tasks.states import OPEN, State, Vocabulary

if TYPE_CHECKING:
    from avatarium.engine.speech.cloning import Cloned, VoiceAdvice

OF_RECORDINGS = "userVoice"
FAMILIES = (OF_RECORDINGS, TWIN_VOICE)
"""Those that make voices."""
WORDS: Vocabulary = {
    State.INITIALIZED: "sent",
    State.PROCESSING: "processing",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
    State.CANCELLED: "failed",
}
"""``current_status`` of voices."""
CONSENT = (
    "The person who is heard has agreed, freely and informed of the use, that a voice is made of theirs that speaks "
    "words which they did not say. Whoever gives this statement answers for it."
)
"""Kept where somebody says yes and gives no words of their own."""
PEOPLE = "clones the voices only of people"
"""What an installation does that asks for consent."""
EFFORT = "best"
"""Nobody is given less: a quick voice is hardly nearer than a ready one. Tests, which have no ten minutes, take it."""
EXPECTED_S = 420.0
LIMIT_S = 3600.0
ENGLISH = "en-US"
ENGINE = "avatarium-clone"
VOICE, SAMPLE = "voice.voice", "sample.mp3"
VOICE_TYPE = "application/vnd.avatarium.voice+zip"
ADVISED = 0.04
"""Progress when the recordings have been looked at."""


def check_room(c: Connection, task: Task) -> None:
    """Refuse a cloning that has just been written while another of its owner runs, or where there are enough voices.

    Raises:
        ConflictError: ``voice_training_running``.
        ForbiddenError: ``too_many_voices``.
    """
    ledger.lock(c, task.user_id)  # or two that come at once would each count without the other
    mine = (tasks.c.user_id == task.user_id, tasks.c.family.in_(FAMILIES), tasks.c.id != task.id)
    running = sa.select(tasks.c.id).where(*mine, tasks.c.state.in_([state.value for state in OPEN])).limit(1)
    if c.execute(running).first() is not None:
        raise ConflictError(
            "A voice of yours is being cloned already. Wait until it is ready, or cancel it.",
            code="voice_training_running",
        )
    most = task.facts["voices_max"]
    if count_voices(c, task.user_id) >= most:
        raise ForbiddenError(
            f"You have {most} cloned voices, which is the limit. Delete one that you do not need.",
            code="too_many_voices",
        )


def tongues(given: str, own: str) -> dict[str, str]:
    """Of recordings, as facts of a task: ``spoken``, what is said to be spoken in them, empty where nothing is; and
    ``tag``, in which language their voice then speaks unless another is asked for.

    Args:
        given: what the request says.
        own: the caller's ``x-lang``.

    Raises:
        RequestError: ``bad_locale``.
    """
    spoken = str(wanted_locale(given)) if given else ""
    try:
        return {"spoken": spoken, "tag": clone_tag(wanted_locale(given, language=own))}
    except RequestError as problem:
        if problem.code != "no_voice_for_language":
            raise
        return {"spoken": spoken, "tag": ENGLISH}  # whatever people speak, their voices can be made to speak English


def clone(job: Job[Any], recordings: Sequence[Path], *, gender: str, denoise: bool) -> dict[str, Any]:
    """Look at recordings, make a voice of them and publish it with a sample.

    Raises:
        InputError: no voice can be made of them; the sentence says why.
    """
    from avatarium.engine.speech.cloning import Effort, advise_voice, clone_voice
    from avatarium.engine.speech.speakers import Gender

    language = str(job.facts["spoken"])
    advice = advise_voice(recordings, language=language)
    if not advice.fit:
        raise InputError(advice.sentences[0], code=advice.reason)
    job.progress(ADVISED)
    path = job.scratch / f"{job.task.attempt}-{VOICE}"
    made = clone_voice(
        recordings,
        path,
        gender=Gender(gender),
        language=language,
        denoise=denoise,
        effort=Effort(EFFORT),
        cloner=job.settings.voice_cloner,
        scratch=job.scratch,
        progress=lambda share: job.progress(ADVISED + (1 - ADVISED) * share),
    )
    return _published(job, path, made, advice)


def voice_of(job: Job[Any], *, avatar_id: str, consent: dict[str, Any]) -> UserVoice:
    """The voice that the steps of a task have made."""
    return UserVoice(
        id=job.task.id,
        owner=job.task.user_id,
        name=job.task.name,
        gender=job.facts["gender"],
        language=str(job.facts["tag"]),
        key=job.results["voice_key"],
        sample_key=job.results["key"],
        avatar_id=avatar_id,
        consent=consent,
        created_ms=job.clock.now_ms(),
    )


def keep(c: Connection, job: Job[Any], voice: UserVoice) -> None:
    """Write a voice that was made and keep its files, if it is still wanted. The last step.

    Raises:
        ConflictError: ``cancelled``.
        NotFoundError: ``twin_gone``; ``file_gone``: it waited too long.
    """
    if not is_open(c, job.task):
        raise ConflictError("The training was cancelled.", code="cancelled")
    if voice.avatar_id and not lock_avatar(c, voice.avatar_id):
        raise twin_gone()
    if job.storage.info(voice.key) is None:
        raise NotFoundError("What was made waited too long and is gone. Try the training again.", code="file_gone")
    job.catalogue.voices.add(c, voice)
    job.storage.keep_until(c, results_of(job.task), None)


def forget(c: Connection, task: Task, desk: Desk, *, now_ms: int) -> None:
    """Take a voice back with all that was made of its recordings: at once when it is deleted, else before long, as a
    retry that follows closely writes it anew."""
    desk.catalogue.voices.remove(c, task.user_id, voice_id=task.id)
    desk.storage.keep_until(c, results_of(task), now_ms + (0 if task.deleted_ms else HOUR_MS))


def rename(database: Database, catalogue: Catalogue, task: Task, name: str, *, now_ms: int) -> None:
    """Call a voice otherwise, whether it is ready or not."""
    mine = (tasks.c.id == task.id, tasks.c.user_id == task.user_id, tasks.c.deleted_ms.is_(None))
    with database.write() as c:
        c.execute(sa.update(tasks).where(*mine).values(name=name[:NAME_MAX], updated_ms=now_ms))
        catalogue.voices.rename(c, task.user_id, task.id, name)


def view(task: Task, links: Links, *, voice_urls: Sequence[str], gender: str, language: str) -> dict[str, Any]:
    """The fields of a voice's record that do not depend on how it was made. From ``score`` on they are ours."""
    found = task.result if task.state is State.COMPLETED else {}
    amount = task.charged if task.state.is_final else task.price
    return {
        "voice_urls": list(voice_urls),
        "train_mode": "best",
        "speaker_id": task.id,
        "user_voice_id": task.id,
        "gender": gender,
        "language": language,
        "coins": Price(amount, Unit(task.unit)).coins,
        "score": found.get("score"),
        "advice": found.get("advice", []),
        "similarity": found.get("similarity"),
        "nearest_stock": found.get("nearest_stock", ""),
        "nearest_stock_similarity": found.get("nearest_stock_similarity"),
        "word_error": found.get("word_error"),
        "seconds_used": found.get("seconds_used"),
        "method": found.get("method", ""),
        "sample_url": links.url(found.get("key", "")),
    }


def shown_consent(kept: dict[str, Any]) -> dict[str, Any] | None:
    """A consent as records show it; None where there is none."""
    if not kept:
        return None
    return {name: kept[name] for name in ("text", "sha256", "name")} | {"givenAt": iso(kept["at_ms"])}


def _published(job: Job[Any], path: Path, made: Cloned, advice: VoiceAdvice) -> dict[str, Any]:
    from avatarium.engine.speech.models.rendering import SAMPLE_RATE
    from avatarium.engine.video import SoundWriter

    sample = job.scratch / f"{job.task.attempt}-{SAMPLE}"
    with SoundWriter(sample, rate=SAMPLE_RATE) as writer:
        writer.write(made.sample)
    error = made.word_error
    return {
        "voice_key": job.publish(path, VOICE, VOICE_TYPE),
        "key": job.publish(sample, SAMPLE, "audio/mpeg", duration_s=len(made.sample) / SAMPLE_RATE),
        "score": advice.score,
        "advice": list(advice.sentences),
        "similarity": round(float(made.similarity), 3),
        "nearest_stock": _public_name(made.nearest_stock),
        "nearest_stock_similarity": round(float(made.nearest_stock_similarity), 3),
        "word_error": None if error is None else round(float(error), 4),
        "seconds_used": round(float(made.seconds_used), 2),
        "method": made.method,
    }


def _public_name(voice: str) -> str:
    """What a ready voice is called in every list; cloners know it by the name of its table."""
    from avatarium.engine.speech.speakers import voices

    return next((one.name for one in voices() if one.model == voice), voice)
