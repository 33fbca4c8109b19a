"""What an avatar video is asked for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from avatarium.families.captioned import CaptionedStart
from avatarium.families.fields import Colour, Url, Word
from avatarium.ids import LENGTH

TITLE_MAX = 40
FURTHEST = 1_000_000

Id = Annotated[str, Field(max_length=4 * LENGTH)]
Length = Annotated[float, Field(ge=0, le=FURTHEST)]
Offset = Annotated[float, Field(ge=-FURTHEST, le=FURTHEST)]


class VideoStart(CaptionedStart):
    """``POST video/generate``."""

    title: str = Field("", max_length=TITLE_MAX, description="A name for it.")
    anchor_id: Id = Field(description="The avatar: an `_id` of anchor/character_list.")
    anchor_type: int | None = Field(None, ge=0, le=1, description="0 for an avatar that ships, 1 for your own.")
    audio_src: Url = Field("", alias="audioSrc", description="What it says: the URL of a recording, or of send_tts.")
    custom_voice: Url = Field("", description="Another name for `audioSrc`.")
    resolution: int = Field(1080, ge=480, le=2160, description="Height of the video in pixels.")
    web_bg_width: Length = Field(0, description="Width of the canvas in your own units; 0 without a background.")
    web_bg_height: Length = Field(0, description="Height of the canvas.")
    web_people_width: Length = Field(0, description="Width of the avatar's picture on the canvas; 0 fits it in.")
    web_people_height: Length = Field(0, description="Height of the avatar's picture on the canvas.")
    web_people_x: Offset = Field(0, description="Left edge of the avatar's picture on the canvas.")
    web_people_y: Offset = Field(0, description="Top edge of the avatar's picture on the canvas.")
    web_dist_bg_width: Offset = Field(-1, description="Width of the background on the canvas; 0 or less fills it.")
    web_dist_bg_height: Offset = Field(-1, description="Height of the background on the canvas.")
    web_dist_bg_x: Offset = Field(0, description="Left edge of the background on the canvas.")
    web_dist_bg_y: Offset = Field(0, description="Top edge of the background on the canvas.")
    back_id: Id = Field("", description="A background that ships; not together with `custom_back_id`.")
    custom_back_id: Id = Field("", description="A background of your own; not together with `back_id`.")
    color: Colour = Field("", description="A plain background: `rgb(0,128,0)`. A background picture goes before it.")
    background_video: Url = Field(
        "",
        description="A video behind the avatar, silent, from its beginning again when it ends; it goes before `color`. "
        "Not together with `back_id` or `custom_back_id`. Ours, not A2E's.",
    )
    background_blur: float = Field(
        0.0,
        ge=0,
        le=1,
        description="How far the background is out of focus, 0 to 1: the one that was chosen, else the avatar's own. "
        "Ours, not A2E's.",
    )
    anchor_background_img: Url = Field(
        "",
        description="The ground in the video that the avatar was made from, where it was not given then: the person is "
        "told by it. Not together with `anchor_background_color`.",
    )
    anchor_background_color: Colour = Field("", description="The same, where it is one colour.")
    is_allow_reverse: bool = Field(
        True,
        alias="isAllowReverse",
        description="Whether an avatar from a video may be played back and forth, which is done where no moment of it "
        "leads on to another. With false it is only played forwards, and a small jump may be seen.",
    )
    format: Annotated[Literal["mp4", "webm"], Word] | None = Field(
        None, description="Of the file: `mp4` (H.264), or `webm` (VP9)."
    )
    alpha: bool = Field(
        False, description="The avatar alone on a clear ground, as WebM; not together with a background."
    )
    is_to_public_pool: bool = Field(False, alias="isToPublicPool", description="Taken; there is one pool here.")
    msg: str = Field("", max_length=20000, description="A note of yours.")

    @property
    def sound_url(self) -> str:
        """Where the recording is."""
        return self.audio_src or self.custom_voice

    @property
    def suffix(self) -> str:
        """Of the file."""
        return f".{self.format or ('webm' if self.alpha else 'mp4')}"
