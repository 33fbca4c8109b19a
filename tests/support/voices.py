"""Cloned voices as the platform knows them, without an engine: files of a few bytes, rows as trainings write."""

from __future__ import annotations

from typing import Any

from avatarium.catalogue.models import UserVoice
from avatarium.families import cloning, twin_sound, voice_clone
from avatarium.tasks.models import Task
from avatarium.tasks.states import OPEN, State
from tests.running import Running
from tests.support.twins import MadeTwin, principal

RECORDING = "https://files.example/me.wav"
FOUND: dict[str, Any] = {
    **{"score": 90, "advice": ["Half a minute more would do."], "similarity": 0.5, "nearest_stock": "kokoro-heart"},
    **{"nearest_stock_similarity": 0.2, "word_error": 0.02, "seconds_used": 30.0, "method": "kokoro-table"},
}


def training(it: Running, owner: str = "", *, of: MadeTwin | None = None, **body: Any) -> Task:
    """A training that waits, and that no worker of the test will take; one before it is cancelled."""
    owner = owner or it.user_id
    cancel_open(it, owner)
    if of is None:
        start = voice_clone.VoiceStart.model_validate({"name": "me", "voice_urls": [RECORDING]} | body)
        task = it.platform.tasks.submit(principal(owner), voice_clone.FAMILY, start)
    else:
        of_twin = twin_sound.SoundStart.model_validate({"_id": of.training_id} | body)
        task = it.platform.tasks.submit(principal(owner), twin_sound.FAMILY, of_twin)
    it.worker.waiting = type(it.worker.waiting)(waits for waits in it.worker.waiting if waits[0] != task.id)
    return task


def made_voice(it: Running, owner: str = "", *, of: MadeTwin | None = None, **body: Any) -> UserVoice:
    """A training that is completed, and its voice."""
    task = training(it, owner, of=of, **body)
    begun = it.platform.tasks.begin(task.id, task.attempt)
    assert begun is not None
    keys = {name: _put(it, task, name) for name in (cloning.VOICE, cloning.SAMPLE)}
    voice = UserVoice(
        id=task.id,
        owner=task.user_id,
        name=task.name,
        gender=task.facts["gender"],
        language=task.facts["tag"],
        key=keys[cloning.VOICE],
        sample_key=keys[cloning.SAMPLE],
        avatar_id=of.avatar.id if of else "",
        created_ms=it.platform.clock.now_ms(),
    )
    with it.platform.database.write() as c:
        it.platform.catalogue.voices.add(c, voice)
    made = {"voice_key": voice.key, "key": voice.sample_key, "user_voice_id": voice.id} | FOUND
    it.platform.tasks.finish(begun, State.COMPLETED, result=made)
    return voice


def cancel_open(it: Running, owner: str) -> None:
    """One voice is trained at a time."""
    for family in (voice_clone.FAMILY, twin_sound.FAMILY):
        for task in it.platform.tasks.page(owner, family, states=OPEN)[0]:
            it.platform.tasks.cancel(owner, family, task.id)


def _put(it: Running, task: Task, name: str) -> str:
    key = f"results/{task.user_id}/{task.id}/{name}"
    media_type = "audio/mpeg" if name.endswith(".mp3") else cloning.VOICE_TYPE
    it.platform.storage.put(
        key, name.encode(), owner=task.user_id, media_type=media_type, expires_ms=None, task_id=task.id
    )
    return key
