"""What goes over the connection between the API and a stage, as JSON. Loads no media library."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from avatarium.streaming.models import EndReason

CONTROL = "streaming.control"
"""Purpose of the key that the API shows a stage, see :func:`avatarium.secret.derive`; as hexadecimal digits."""
TEXT_MAX = 3000
"""Characters of one utterance or question."""
CONTEXT_MAX = 5000
"""Characters of the text that answers are based on."""
COMMAND_ID_MAX = 64
URL_MAX = 4096


class Message(BaseModel):
    """One of them; what a later version adds is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class RoomVoice(Message):
    """Who speaks: one of the engine's, or a user's own."""

    name: str = ""
    """The engine's, such as ``hibari-ava``; empty of a user's own."""
    key: str = ""
    """The file of a user's own, in storage."""
    language: str
    """In which it speaks, as the engine writes it: ``en-US``."""
    gender: str = ""
    live: bool = True
    """Made much faster than heard; the others are made ahead, in a process of their own."""


class RoomSpec(Message):
    """All that a stage has to know to open a room. Everything was checked when it was booked."""

    room_id: str
    channel: str
    owner: str
    avatar_id: str
    source: str = ""
    """The engine's name of a built-in portrait; else empty."""
    picture_key: str
    """The picture in storage."""
    package_key: str = ""
    """What an avatar from a video is made of, in storage; empty of one from a picture."""
    film_pixels: int = 0
    """Of a frame of its film; 0 where that is not known."""
    model_key: str = ""
    """Its personal lip-sync model, in storage; empty where it speaks by the general one."""
    gender: str
    token_uid: int
    created_ms: int
    expires_ms: int
    booked_s: int
    resolution: int
    """Short side of the picture in pixels."""
    shape: str = ""
    """As ``16:9``; empty is square."""
    voice: RoomVoice
    rate: float = 1.0
    emotion: str = ""
    """The engine's name; empty is neutral."""
    background_key: str = ""
    """A picture in storage to put behind the avatar."""
    background_color: str = ""
    """A colour as CSS writes it, in place of one."""
    transparent: bool = False
    """The person alone, for pages that put their own ground behind: colours above, the mask below."""
    record: bool = False
    microphone: bool = False
    """Whether viewers may send their sound, for the avatar to answer."""
    context: str = ""

    @property
    def language(self) -> str:
        """Of the voice, as the engine writes it: ``en-US``."""
        return self.voice.language


class SpeakCommand(Message):
    """Say this: a text, or a recording."""

    command_id: str = Field(max_length=COMMAND_ID_MAX)
    text: str = Field("", max_length=TEXT_MAX)
    audio_url: str = Field("", max_length=URL_MAX)
    voice: RoomVoice | None = None
    """None is the room's."""
    rate: float | None = None
    emotion: str = ""
    strength: float = 1.0
    gesture: str = ""
    interrupt: bool = False
    """Stop what is being said first."""


class AskCommand(Message):
    """Answer this."""

    command_id: str = Field(max_length=COMMAND_ID_MAX)
    text: str = Field(max_length=TEXT_MAX)
    interrupt: bool = False


class ExtendCommand(Message):
    """The room lasts until then."""

    expires_ms: int


class ContextCommand(Message):
    """What answers are based on from now on."""

    text: str = Field(max_length=CONTEXT_MAX)


class Switch(Message):
    """Turn something on or off: listening, the microphone."""

    on: bool


class EndCommand(Message):
    """End the room."""

    reason: EndReason


class Accepted(Message):
    """An utterance or question was taken."""

    command_id: str
    position: int = 0
    """How many utterances come before it."""
    waits_s: float = 0.0
    """About how long these take."""
    generation: int = 0


class Refusal(Message):
    """Why a stage refuses, as the API repeats it."""

    status: int
    reason: str
    message: str
    retry_after_s: float | None = None
