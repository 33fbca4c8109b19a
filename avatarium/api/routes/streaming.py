"""The streaming avatar: A2E's seven calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Request
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator
from starlette.concurrency import run_in_threadpool

from avatarium.api.auth import PlatformDep, StreamerDep, base_url_of
from avatarium.api.envelope import Answer, ok
from avatarium.api.families import IdempotencyKey
from avatarium.api.groups import STREAMING
from avatarium.api.live import (
    EXAMPLE_CHANNEL,
    EXAMPLE_COMMAND,
    EXAMPLE_REPORT,
    EXAMPLE_TOKEN,
    Commanded,
    Live,
    LiveDep,
    Named,
)
from avatarium.api.routing import Params, Router
from avatarium.catalogue.models import Avatar, UserVoice
from avatarium.errors import ConflictError, NotFoundError, RequestError, TooFewCoinsError, TooLargeError
from avatarium.ids import new_id, stable_id
from avatarium.platform import SignedLinks
from avatarium.streaming.booking import EMOTIONS, SHAPES, BookRequest, check_context, check_emotion
from avatarium.streaming.voices import named_voice
from avatarium.streaming.wire import CONTEXT_MAX, TEXT_MAX, URL_MAX, AskCommand, ContextCommand, SpeakCommand

router = Router(STREAMING)

PREFIX = "/api/v1/streaming-avatar"
ID_MAX = 64
STEERS = (NotFoundError, ConflictError)
"""What every call that steers a room may answer with."""
ACCEPTED = {"command_id": EXAMPLE_COMMAND, "position": 0, "waits_s": 0.0, "generation": 1}
EXAMPLE_AVATAR = {
    "_id": stable_id("avatar", "ava"),
    "id": stable_id("avatar", "ava"),
    "name": "Ava",
    "type": "default",
    "gender": "female",
    "user_voice_id": "",
    "preview_url": "https://files.example/files/system/avatars/ava-cover.jpg?exp=1735959200&sig=...",
}


class Booking(BaseModel):
    """A room to book. All but the first two are ours."""

    model_config = ConfigDict(extra="ignore")

    avatar_id: str = Field(max_length=ID_MAX, description="Who: an `_id` of all_avatars.")
    expire_seconds: int = Field(description="For how long, in seconds: a whole number from 1 to 7200.")
    resolution: int | None = Field(None, description="Short side of the picture, 240 to 720 pixels; else 512.")
    shape: str = Field("", max_length=8, description=f"One of {', '.join(SHAPES)}; square unless given.")
    voice_id: str = Field(
        "",
        max_length=ID_MAX,
        description="A voice of anchor/voice_list or userVoice/completedRecord. Those whose `live` is false begin to "
        "speak a second or two later.",
    )
    user_voice_id: str = Field("", max_length=ID_MAX, description="The same, for a voice of your own.")
    language: str = Field(
        "", max_length=40, description="Such as en-US, where no voice is named; what a voice of your own speaks."
    )
    speech_rate: float = Field(1.0, description="Speed of speech, 0.5 to 2.")
    emotion: str = Field("", max_length=20, description=f"One of {', '.join(EMOTIONS)}.")
    background_id: str = Field("", max_length=ID_MAX, description="A background of custom_back/allBackground.")
    background_color: str = Field("", max_length=64, description="Or a colour: rgb(0,128,0) or #008000.")
    transparent: bool = Field(False, description="Show the person alone, before the ground of your page.")
    record: bool = Field(False, description="Whether to record the room; the report then has a `recording_url`.")
    microphone: bool = Field(False, description="Whether viewers may talk to the avatar.")
    qa_context: str = Field("", description=f"What answers are based on, {CONTEXT_MAX} characters at most.")
    ticket: str = Field("", max_length=ID_MAX, description="Of an answer that all rooms are taken: keeps your place.")

    @field_validator("expire_seconds", mode="before")
    @classmethod
    def _is_no_truth(cls, given: Any) -> Any:
        if isinstance(given, bool):
            raise ValueError("`expire_seconds` must be a whole number, such as 60")
        return given

    def wanted(self) -> BookRequest:
        """The same, in the words of rooms."""
        given = self.model_dump(exclude={"expire_seconds", "qa_context", "voice_id", "user_voice_id"})
        return BookRequest(**given, voice_id=_chosen(self), expire_s=self.expire_seconds, context=self.qa_context)


class Context(Named):
    """What answers in a room are based on."""

    text: str = Field(description=f"The text, {CONTEXT_MAX} characters at most.")


class Question(Commanded):
    """A question to the avatar."""

    text: str = Field(description=f"The question, {TEXT_MAX} characters at most.")
    interrupt: bool = Field(False, description="Stop what is being said first.")


class Utterance(Commanded):
    """Something to say: a text, or a recording. All but the text are ours."""

    text: str = Field("", description=f"What to say, {TEXT_MAX} characters at most.")
    audio_url: str = Field("", max_length=URL_MAX, description="A recording to say it with, in place of a text.")
    voice_id: str = Field("", max_length=ID_MAX, description="Another voice, for this once.")
    user_voice_id: str = Field("", max_length=ID_MAX, description="The same, for a voice of your own.")
    language: str = Field("", max_length=40, description="What a voice of your own speaks, for this once.")
    speech_rate: float | None = Field(None, ge=0.5, le=2.0, description="Another speed, 0.5 to 2, for this once.")
    emotion: str = Field("", max_length=20, description=f"One of {', '.join(EMOTIONS)}, for this once.")
    strength: float = Field(1.0, ge=0, le=1, description="Of the emotion, 0 to 1.")
    gesture: str = Field("", max_length=20, description="nod, shake, tilt, brows or look_away, as it begins.")
    interrupt: bool = Field(
        False,
        validation_alias=AliasChoices("interrupt", "is_interrupt"),
        description="Stop what is being said first; else it waits for its turn.",
    )


@router.serve(
    f"GET {PREFIX}/all_avatars",
    title="Get All avatars",
    answer=[EXAMPLE_AVATAR],
    returns=list[dict[str, Any]],
)
def all_avatars(request: Request, caller: StreamerDep, platform: PlatformDep) -> Answer:
    """Your own avatars, newest first, then those that ship: ``_id`` is the ``avatar_id`` of ``agora-token``."""
    links = platform.links(base_url_of(request, platform))
    voices = platform.catalogue.voices.of_avatars(caller.user_id)
    return ok([_view(avatar, voices, links) for avatar in platform.catalogue.avatars(caller.user_id)])


@router.serve(
    f"POST {PREFIX}/agora-token",
    title="Get a Streaming Avatar Token",
    request={"avatar_id": stable_id("avatar", "ava"), "expire_seconds": 60},
    answer=EXAMPLE_TOKEN,
    returns=dict[str, Any],
    errors=(TooFewCoinsError, NotFoundError, ConflictError),
)
async def agora_token(params: Annotated[Booking, Params], live: LiveDep, key: IdempotencyKey = None) -> Answer:
    """Book a room and get what a viewer needs to join it. Its price for all of the time is held at once.

    What was not used comes back when the room ends: by ``leave``, at its expiry, or when the last viewer has gone and
    does not come back. Time counts from when the first viewer is connected.

    Where all rooms are taken the answer is 503 with the reason ``rooms_full``; its ``data`` has ``place``,
    ``expected_wait_s`` and a ``ticket``. Ask again every few seconds with the ticket: it keeps the place for half a
    minute each time.
    """
    return ok(await live.book(params.wanted(), key))


@router.serve(
    f"POST {PREFIX}/set-qa-context",
    title="Set QA Context",
    request={"channel": EXAMPLE_CHANNEL, "text": "The shop is open from 9 to 17."},
    answer={"channel": EXAMPLE_CHANNEL, "characters": 31},
    returns=dict[str, Any],
    errors=STEERS,
)
async def set_qa_context(params: Annotated[Context, Params], live: LiveDep) -> Answer:
    """Set the text that answers in a room are based on, in place of the one before; an empty one takes it away."""
    check_context(params.text)
    await live.command(params.channel, "context", ContextCommand(text=params.text))
    room = await run_in_threadpool(live.platform.rooms.set_context, live.owner, params.channel, params.text)
    return ok({"channel": room.channel, "characters": len(room.context)})


@router.serve(
    f"GET {PREFIX}/get-qa-context",
    title="Get QA Context",
    request={"channel": EXAMPLE_CHANNEL},
    answer={"channel": EXAMPLE_CHANNEL, "text": "The shop is open from 9 to 17."},
    returns=dict[str, str],
    errors=(NotFoundError,),
)
async def get_qa_context(params: Annotated[Named, Params], live: LiveDep) -> Answer:
    """The text that answers in a room are based on."""
    room = await live.find(params.channel)
    return ok({"channel": room.channel, "text": room.context})


@router.serve(
    f"POST {PREFIX}/ask",
    title="Ask a Question to the Avatar",
    request={"channel": EXAMPLE_CHANNEL, "text": "When are you open?"},
    answer=ACCEPTED,
    returns=dict[str, Any],
    errors=STEERS,
)
async def ask(params: Annotated[Question, Params], live: LiveDep) -> Answer:
    """Have the avatar answer a question out of the room's context. The answer is said as it comes; its text goes to
    viewers as ``stream-message`` and to the events of the room.
    """
    command = AskCommand(
        command_id=params.command_id or new_id(), text=_checked(params.text, "question"), interrupt=params.interrupt
    )
    return ok(await live.command(params.channel, "ask", command))


@router.serve(
    f"POST {PREFIX}/speak",
    title="Let the Avatar Speak Directly",
    request={"channel": EXAMPLE_CHANNEL, "text": "Hello, nice to meet you."},
    answer=ACCEPTED,
    returns=dict[str, Any],
    errors=STEERS,
    legacy=(f"POST {PREFIX}/direct-speak",),
)
async def speak(params: Annotated[Utterance, Params], live: LiveDep) -> Answer:
    """Have the avatar say a text, or a recording of yours with its lips in time. It waits for its turn; ``position``
    tells how many come before it and ``waits_s`` about how long these take.
    """
    return ok(await live.command(params.channel, "speak", await run_in_threadpool(_command, params, live)))


@router.serve(
    f"POST {PREFIX}/leave",
    title="Leave the Room",
    request={"channel": EXAMPLE_CHANNEL},
    answer=EXAMPLE_REPORT,
    returns=dict[str, Any],
    errors=(NotFoundError,),
    legacy=(f"POST {PREFIX}/leave-room",),
)
async def leave(params: Annotated[Named, Params], live: LiveDep) -> Answer:
    """End a room and get the unused coins back. The answer tells what was charged and why; of a room that has ended
    already it is the same again.
    """
    return ok(live.shown(await live.end(params.channel)))


def _chosen(params: Booking | Utterance) -> str:
    """The voice that is named, by whichever name.

    Raises:
        RequestError: ``two_voices``.
    """
    if params.voice_id.strip() and params.user_voice_id.strip():
        raise RequestError("Give either `voice_id` or `user_voice_id`, not both.", code="two_voices")
    return params.voice_id.strip() or params.user_voice_id.strip()


def _command(params: Utterance, live: Live) -> SpeakCommand:
    if bool(params.text.strip()) == bool(params.audio_url.strip()):
        raise RequestError("Give what to say: a `text`, or an `audio_url`, one of them.", code="nothing_to_say")
    check_emotion(params.emotion)
    chosen = _chosen(params)
    voice = None
    if chosen:
        voice = named_voice(live.owner, chosen, language=params.language, catalogue=live.platform.catalogue)
    return SpeakCommand(
        command_id=params.command_id or new_id(),
        text=_checked(params.text, "text") if params.text.strip() else "",
        audio_url=params.audio_url.strip(),
        voice=voice,
        rate=params.speech_rate,
        emotion=params.emotion,
        strength=params.strength,
        gesture=params.gesture,
        interrupt=params.interrupt,
    )


def _checked(text: str, what: str) -> str:
    if not text.strip():
        raise RequestError(f"The {what} is empty. Send it as `text`.", code="empty_text")
    if len(text) > TEXT_MAX:
        raise TooLargeError(
            f"The {what} has {len(text)} characters; {TEXT_MAX} are taken at once. Send it in parts.",
            code="text_too_long",
        )
    return text


def _view(avatar: Avatar, voices: Mapping[str, UserVoice], links: SignedLinks) -> dict[str, Any]:
    """An avatar as clients read it. ``gender`` and ``user_voice_id``, its own voice if it has one, are ours."""
    return {
        "_id": avatar.id,
        "id": avatar.id,
        "name": avatar.name,
        "type": avatar.type,
        "gender": avatar.gender,
        "user_voice_id": voices[avatar.id].id if avatar.id in voices else "",
        "preview_url": links.url(avatar.cover_key or avatar.picture_key),
    }
