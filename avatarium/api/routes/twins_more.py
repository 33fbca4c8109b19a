"""What is asked of avatars from videos besides: advice before they are made, a model of their own, their voice."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Request

from avatarium.api.auth import MakerDep, PlatformDep
from avatarium.api.desk import Desk
from avatarium.api.envelope import Answer, ok
from avatarium.api.families import (
    EXAMPLE_ID,
    RECORD,
    SETTLED,
    STARTS,
    IdempotencyKey,
)
from avatarium.api.groups import AVATARS
from avatarium.api.routes.user_voices import UNMADE, VOICE
from avatarium.api.routing import Params, Router
from avatarium.errors import ConflictError, TooLargeError
from avatarium.families import lip_model, twin, twin_advice, twin_sound
from avatarium.families.lip_model import LipModelStart
from avatarium.families.twin_advice import AdviceStart
from avatarium.families.twin_sound import SoundStart
from avatarium.platform import Platform
from avatarium.tasks.states import State

router = Router(AVATARS)

EXAMPLE_ANCHOR = "64f0c0ffee0000000000e001"
_DONE = {
    **SETTLED,
    **{"current_status": "completed", "progress": 100, "coins": 0, "engine": "avatarium-video", "name": ""},
}
ADVICE = {
    **_DONE,
    "engine": "avatarium-photo",
    "video_url": "",
    "image_url": "https://files.example/face.jpg",
    "score": 80,
    "fit_to_train": True,
    "advice": ["The face is small and will look soft in a large video. Use a picture in which it is larger."],
    "reason": "",
    "facts": {},
}
MODEL_STARTED = {
    **RECORD,
    **{"name": "demo", "status": "initialized", "coins": 100, "diamonds": 1},
    **{"engine": "avatarium-video", "eta_s": 60.0},
    "user_video_twin_id": EXAMPLE_ID,
    "anchor_id": EXAMPLE_ANCHOR,
    "version": 0,
    "general_error": None,
    "personal_error": None,
    "seconds_used": None,
    "preview_result_url": "",
}
VOICE_STARTED = VOICE | {
    **{"current_status": "sent", "status": "sent", "progress": 0, "name": "demo", "coins": 100, "voice_urls": []},
    **{"user_video_twin_id": EXAMPLE_ID, "anchor_id": EXAMPLE_ANCHOR, "sound_url": "", "seconds": 0.0},
    **{"consent": None, "queue_position": 0, "eta_s": 420.0},
    **UNMADE,
}


@router.serve(
    "POST /api/v1/userVideoTwin/advice",
    title="Advice before an avatar is made",
    request={"image_url": "https://files.example/face.jpg"},
    answer=ADVICE,
    returns=dict[str, Any],
    errors=(*STARTS, TooLargeError),
)
async def advice(
    params: Annotated[AdviceStart, Params],
    request: Request,
    caller: MakerDep,
    platform: PlatformDep,
    key: IdempotencyKey = None,
) -> Answer:
    """How good an avatar a video or picture will make: `score` from 0 to 100, and in `advice` what would be better.

    Costs nothing and makes nothing. Light, size and turn of the face, sharpness, what covers it, length and sound are
    looked at; of a video `facts` has the figures. Where `fit_to_train` is false no avatar can be made of it, and
    `reason` is the code with which a training would fail. Where looking takes longer than a request may, the answer is
    the record as it is then: ask `GET tasks/{_id}` until `current_status` is final. Two looks of one user are made at
    once.
    """
    desk = Desk(twin_advice.FAMILY, platform, request, caller)
    return ok(await desk.awaited(params, key))


@router.serve(
    "POST /api/v1/userVideoTwin/continueTranining",
    "POST /api/v1/userVideoTwin/continueTraining",
    title="Train a Personalized Lip-sync Model (Optional) a.k.a. Continue Training",
    request={"_id": EXAMPLE_ID},
    answer=MODEL_STARTED,
    returns=dict[str, Any],
    errors=STARTS,
)
def continue_training(
    params: Annotated[LipModelStart, Params],
    request: Request,
    caller: MakerDep,
    platform: PlatformDep,
    key: IdempotencyKey = None,
) -> Answer:
    """Let an avatar from a video learn how its person speaks, from the sound of that video. `_id` is its training.

    The answer is a task of its own: ask `GET userVideoTwin/{_id}` with its `_id`. A model is kept only if it comes
    nearer to the real lips than the general one in seconds of the video that it has not learnt from; else the task
    fails, says why, and costs nothing. From then on the avatar uses it by itself, in videos and in live rooms. Each
    call makes a new version; removing it brings the one before back.
    """
    _check_done(platform, caller.user_id, params.id)
    desk = Desk(lip_model.FAMILY, platform, request, caller)
    return ok(desk.shown(desk.start(params, key)))


@router.serve(
    "POST /api/v1/userVideoTwin/addVoiceClone",
    title="Clone Voice from a Video",
    request={"_id": EXAMPLE_ID},
    answer=VOICE_STARTED,
    returns=dict[str, Any],
    errors=(*STARTS, TooLargeError),
)
def add_voice_clone(
    params: Annotated[SoundStart, Params],
    request: Request,
    caller: MakerDep,
    platform: PlatformDep,
    key: IdempotencyKey = None,
) -> Answer:
    """Clone the voice of an avatar from what is said in its video. `_id` is its training.

    The answer is a task of its own, and its `_id` is the `user_voice_id`: ask `GET userVoice/{_id}` until
    `current_status` is final. From then on the avatar speaks with it in live rooms unless another voice is chosen, and
    `video/send_tts` takes it. The newest of an avatar is its own; it is removed with the avatar. Costs and refuses what
    `userVoice/training` does.
    """
    _check_done(platform, caller.user_id, params.id)
    desk = Desk(twin_sound.FAMILY, platform, request, caller)
    return ok(desk.shown(desk.start(params, key)))


def _check_done(platform: Platform, owner: str, training_id: str) -> None:
    """Refuse a training that is not there, or whose avatar is not there yet.

    Raises:
        NotFoundError: ``task_not_found``.
        ConflictError: ``twin_not_ready``.
    """
    task = platform.tasks.get(owner, twin.FAMILY, training_id)
    if task.state is not State.COMPLETED:
        how = "failed" if task.state.is_final else "is not completed yet"
        raise ConflictError(f"This training {how}: there is no avatar to work with.", code="twin_not_ready")
