"""Voices of users' own, in A2E's own shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from avatarium.accounts.models import Principal
from avatarium.api.auth import MakerDep, PlatformDep, ReaderDep
from avatarium.api.desk import Desk
from avatarium.api.envelope import Answer, ok
from avatarium.api.families import EXAMPLE_ID, SETTLED, STARTS, Calls, IdempotencyKey, PathId
from avatarium.api.groups import SPEECH
from avatarium.api.routing import Params, Router
from avatarium.errors import RequestError, TooLargeError
from avatarium.families import cloning, twin_sound, voice_advice, voice_clone
from avatarium.families.voice_advice import VoiceAdviceStart
from avatarium.families.voice_clone import VoiceStart
from avatarium.platform import Platform
from avatarium.tasks.family import NAME_MAX
from avatarium.tasks.states import State

router = Router(SPEECH)

RECORDING = "https://files.example/me.wav"
VOICE = {
    **SETTLED,
    **{"name": "My voice", "current_status": "completed", "progress": 100, "coins": 100, "engine": cloning.ENGINE},
    "result_url": "https://files.example/sample.mp3",
    "voice_urls": [RECORDING],
    "train_mode": "best",
    "speaker_id": EXAMPLE_ID,
    "user_voice_id": EXAMPLE_ID,
    "gender": "female",
    "language": "en-US",
    "model": "a2e",
    "denoise": False,
    "anchor_id": "",
    "score": 92,
    "advice": ["Half a minute more would make it more like you."],
    "similarity": 0.47,
    "nearest_stock": "kokoro-heart",
    "nearest_stock_similarity": 0.19,
    "word_error": 0.02,
    "seconds_used": 31.4,
    "method": "kokoro-table",
    "sample_url": "https://files.example/sample.mp3",
    "consent": {
        "text": "The person who is heard has agreed ...",
        "sha256": "0f3c...",
        "name": "Ada",
        "givenAt": "2025-01-02T03:04:05.678Z",
    },
}
UNMADE: dict[str, Any] = {
    **{"result_url": "", "sample_url": "", "score": None, "advice": [], "similarity": None, "nearest_stock": ""},
    **{"nearest_stock_similarity": None, "word_error": None, "seconds_used": None, "method": ""},
}
STARTED = VOICE | UNMADE | {"current_status": "sent", "progress": 0, "queue_position": 0, "eta_s": cloning.EXPECTED_S}
ADVICE = {
    **SETTLED,
    **{"name": "", "current_status": "completed", "progress": 100, "coins": 0, "engine": cloning.ENGINE},
    "voice_urls": [RECORDING],
    "language": "en-US",
    "score": 71,
    "fit_to_train": True,
    "advice": ["There is noise behind the voice. Record in a quiet room, or have it taken out."],
    "reason": "",
    "seconds": 31.4,
    "facts": {
        **{"snr_db": 21.7, "clipped_share": 0.0, "bandwidth_hz": 15210.5, "loudness_lufs": -21.4, "speakers": 1.0},
        **{"speech_share": 0.86, "sung_share": 0.0, "confidence": 0.94},
    },
}


class NewName(BaseModel):
    """What a voice is called."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    name: str = Field(max_length=NAME_MAX, description="Its name from now on.")


class Voices(Desk):
    """Voices of one user for one request, from recordings and from the videos of avatars."""

    def __init__(self, platform: Platform, request: Request, caller: Principal) -> None:
        super().__init__(voice_clone.FAMILY, platform, request, caller)
        self._of_avatars = Desk(twin_sound.FAMILY, platform, request, caller)

    def of(self, task_id: str) -> Desk:
        """Where a voice is answered for; of what is none, it is said here that it is not there."""
        found = self._platform.tasks.find(self._caller.user_id, task_id)[1]
        return self._of_avatars if found.name == twin_sound.FAMILY.name else self

    def whole(self, *states: State) -> list[dict[str, Any]]:
        """Records, newest first."""
        found = [*super().whole(*states), *self._of_avatars.whole(*states)]
        return sorted(found, key=lambda record: (str(record["createdAt"]), str(record["_id"])), reverse=True)

    def batch(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Records of those that are there."""
        return [*super().batch(ids), *self._of_avatars.batch(ids)]

    def rename(self, voice_id: str, name: str) -> dict[str, Any]:
        """Call it otherwise; the record as it is then.

        Raises:
            NotFoundError: ``task_not_found``.
            RequestError: ``no_name``.
        """
        if not name:
            raise RequestError("`name` is empty. Give the voice a name.", code="no_name")
        desk, platform = self.of(voice_id), self._platform
        task = desk.get(voice_id)
        cloning.rename(platform.database, platform.catalogue, task, name, now_ms=platform.clock.now_ms())
        return desk.shown(desk.get(voice_id))


calls = Calls(router, "/api/v1/userVoice", Voices)


@router.serve(
    "POST /api/v1/userVoice/training",
    title="Train TTS Model of The User's Voice (Voice Clone)",
    request={
        **{"name": "My voice", "voice_urls": [RECORDING], "gender": "female", "language": "en-US"},
        **{"consent": True, "consent_name": "Ada"},
    },
    answer=STARTED,
    returns=dict[str, Any],
    errors=(*STARTS, TooLargeError),
)
def training(
    params: Annotated[VoiceStart, Params],
    request: Request,
    caller: MakerDep,
    platform: PlatformDep,
    key: IdempotencyKey = None,
) -> Answer:
    """Clone a voice from recordings of one person who speaks, without music or noise, 15 to 60 seconds in all.

    Takes some minutes: ask `GET userVoice/{_id}` until `current_status` is final. The `_id` is then the
    `user_voice_id` of `video/send_tts` and of live rooms, for you alone. `similarity` tells how near it came to the
    recordings (the same person on another day has about 0.7, strangers 0 to 0.2), `nearest_stock_similarity` how near
    the most like of the shipped voices is. It costs a diamond, or 100 coins where you have none; what fails costs
    nothing. One voice of yours is cloned at a time. The recordings are not kept.
    """
    desk = Voices(platform, request, caller)
    return ok(desk.shown(desk.start(params, key)))


@router.serve(
    "POST /api/v1/userVoice/advice",
    title="Advice before a voice is cloned",
    request={"voice_urls": [RECORDING], "language": "en-US"},
    answer=ADVICE,
    returns=dict[str, Any],
    errors=(*STARTS, TooLargeError),
)
async def advice(
    params: Annotated[VoiceAdviceStart, Params],
    request: Request,
    caller: MakerDep,
    platform: PlatformDep,
    key: IdempotencyKey = None,
) -> Answer:
    """How good a voice recordings will make: `score` from 0 to 100, and in `advice` what would be better.

    Costs nothing and makes nothing. Where `fit_to_train` is false no voice can be made of them, and `reason` is the
    code with which a training would fail. Where listening takes longer than a request may, the answer is the record as
    it is then: ask `GET tasks/{_id}` until `current_status` is final.
    """
    return ok(await Desk(voice_advice.FAMILY, platform, request, caller).awaited(params, key))


@router.serve(
    "GET /api/v1/userVoice/completedRecord",
    title="List Voice Clone Options",
    answer=[VOICE],
    returns=list[dict[str, Any]],
)
def completed(request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """Your cloned voices, newest first, those of your avatars among them. Nobody else sees or speaks with them."""
    return ok(Voices(platform, request, caller).whole(State.COMPLETED))


@router.serve(
    "GET /api/v1/userVoice/trainingRecord",
    title="List Ongoing Voice Clone Tasks",
    answer=[STARTED],
    returns=list[dict[str, Any]],
)
def every(request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """All trainings of voices of yours, in every state, newest first."""
    return ok(Voices(platform, request, caller).whole())


calls.batch(
    VOICE,
    title="Details of several voices",
    says="Those of these voices that are there: match them by `_id`, not by order.",
)
calls.retry(
    STARTED,
    title="Try a training again",
    says="Do a training again that failed or was cancelled. It costs what it costs now.",
)
calls.detail(
    VOICE,
    title="Get Details of a Voice",
    says="One voice, or its training while that is not done.",
)


@router.serve(
    "PUT /api/v1/userVoice/{_id}",
    title="Update voice training record name",
    request={"name": "My voice, outdoors"},
    answer=VOICE | {"name": "My voice, outdoors"},
    returns=dict[str, Any],
)
def rename(
    task_id: PathId, params: Annotated[NewName, Params], request: Request, caller: MakerDep, platform: PlatformDep
) -> Answer:
    """Call a voice otherwise."""
    return ok(Voices(platform, request, caller).rename(task_id, params.name))


calls.cancel(
    STARTED | {"current_status": "failed", "failed_code": "cancelled"},
    title="Cancel a training",
    says="Stop a training and give its price back. One that is done stays as it is.",
)
calls.delete(
    title="Delete a User Voice",
    says="""Delete a voice with all that was made of its recordings: the voice itself, its sample, the cleaned sound.

A training that is not done is cancelled, and costs nothing. What was spoken with the voice before stays until it
expires; a room in which it speaks goes on with it until it ends.""",
)
