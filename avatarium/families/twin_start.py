"""What a training of an avatar is asked for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from avatarium.catalogue.models import PHOTO, VIDEO
from avatarium.errors import RequestError
from avatarium.families.consent import Consented
from avatarium.families.fields import Colour, Name, Prompt, Url, Word


class TwinStart(Consented):
    """``POST userVideoTwin/startTraining``."""

    name: Name = Field("", description="Its name.")
    gender: Annotated[Literal["female", "male"], Word] = Field(
        "female", description="Of the voice that speaks for it unless another is chosen."
    )
    video_url: Url = Field(
        "", description="A video of ten seconds or more in which one person looks at the camera and speaks; or else"
    )
    image_url: Url = Field("", description="a picture in which one face looks at the camera.")
    video_background_image: Url = Field(
        "", description="The ground of the video without the person, where you have it: backgrounds are told by it."
    )
    video_backgroud_image: Url = Field("", description="The same, as older clients spell it.")
    video_background_color: Colour = Field(
        "", description="The same, where it is one colour. Green and blue screens are found without."
    )
    video_backgroud_color: Colour = Field("", description="The same, as older clients spell it.")
    image_backgroud_color: Colour = Field("", description="The same, as some clients spell it.")
    model_version: str = Field("", max_length=32, description="Taken; there is one model here.")
    prompt: Prompt = Field("", description="Taken; how somebody moves follows from the video, or from what is said.")
    negative_prompt: Prompt = Field("", description="Taken.")
    skip_preview: bool = Field(False, alias="skipPreview", description="Make no sample video.")
    is_transcoding: bool = Field(True, alias="isTranscoding", description="Taken; every video is made plain first.")

    @property
    def kind(self) -> str:
        """What it is made from."""
        return VIDEO if self.video_url else PHOTO

    @property
    def ground_url(self) -> str:
        """Where the picture of the video's own ground is."""
        return self.video_background_image or self.video_backgroud_image

    @property
    def ground_color(self) -> str:
        """The colour of the video's own ground."""
        return self.video_background_color or self.video_backgroud_color or self.image_backgroud_color


def check_source(video_url: str, image_url: str) -> None:
    """Refuse what is neither a video nor a picture, or both.

    Raises:
        RequestError: ``two_sources``, ``no_source``.
    """
    if video_url and image_url:
        raise RequestError(
            "`video_url` and `image_url` exclude each other. Send the video, or the picture.", code="two_sources"
        )
    if not video_url and not image_url:
        raise RequestError(
            "`video_url` is missing: a video of one person who looks at the camera. Or give a picture as `image_url`.",
            code="no_source",
        )
