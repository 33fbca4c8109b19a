"""Talking photos: any picture of a face says a recording, or only looks alive (``talkingPhoto``)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from avatarium.families import captioned, studio
from avatarium.families.captioned import CaptionedStart
from avatarium.families.fields import GUESSED_S, Name, Prompt, Url, look_up
from avatarium.families.tts import marks_key_of
from avatarium.prices import Price, Prices
from avatarium.storage.sniff import Kind
from avatarium.tasks.family import Desk, Family, Links, Plan, Step
from avatarium.tasks.job import Job

if TYPE_CHECKING:
    from avatarium.engine.production import Renderer
    from avatarium.engine.script import Script
    from avatarium.engine.video import Canvas
    from avatarium.tasks.models import Task

LONGEST_S = 20
SILENT_S = 3
"""How long a photo without a recording looks alive unless told."""
SHORT_SIDE, LONG_SIDE = 720, 2160
WORK_SHARE, WORK_BASE_S = 0.5, 4.0

FEELINGS = {
    "happy": r"happy|happily|happiness|smil\w+|cheerful\w*|joy|joyful\w*|laugh\w*|delighted",
    "sad": r"sad|sadly|sadness|sorrow\w*|cry|crying|gloomy|depressed|melanchol\w+",
    "surprised": r"surprised?|surprising\w*|amazed|astonished|shocked",
    "serious": r"serious\w*|angry|angrily|stern\w*|strict\w*|furious\w*|grave|gravely",
}
"""Words of a prompt that say how the person feels, by the engine's name of the feeling."""
NEGATION = r"\b(?:not|no|never|without|isn't|aren't|don't|doesn't)(?:\s+\w+)?\s+"


class TalkingPhotoStart(CaptionedStart):
    """``POST talkingPhoto/start``."""

    name: Name = Field("", description="A name for it.", examples=["My task"])
    image_url: Url = Field(description="The picture of a face.", examples=["https://files.example/face.jpg"])
    audio_url: Url = Field(
        "",
        description="What it says. Without one the face only looks, breathes and blinks.",
        examples=["https://files.example/speech.mp3"],
    )
    duration: int = Field(
        0,
        ge=0,
        le=LONGEST_S,
        description=f"Seconds at most, 1 to {LONGEST_S}. 0 is as long as the recording, or {SILENT_S} without one.",
        examples=[5],
    )
    prompt: Prompt = Field(
        "", description="A word such as happy, sad, surprised or serious shows in the face.", examples=["happy"]
    )
    negative_prompt: Prompt = Field(
        "", description="What is not wanted; a feeling named here is not shown.", examples=["blurry"]
    )

    @property
    def sound_url(self) -> str:
        """Where the recording is; empty where there is none."""
        return self.audio_url


class TalkingPhoto(Family[TalkingPhotoStart]):
    """Fetch picture and recording, draw, keep the result."""

    name: ClassVar[str] = "talkingPhoto"
    group: ClassVar[str] = "Talking Photo"
    engine: ClassVar[str] = studio.ENGINE
    shows: ClassVar[Mapping[str, Any]] = captioned.SHOWN
    start = TalkingPhotoStart

    def __init__(self) -> None:
        self.steps = (
            Step("fetch", _fetch),
            Step("listen", captioned.listen, 3),
            Step("render", _render, 20),
            Step("publish", _publish, 2),
        )

    def plan(self, start: TalkingPhotoStart, desk: Desk) -> Plan:
        captioned.check(start)
        look_up(start.image_url, desk, "image_url")
        stored = look_up(start.audio_url, desk, "audio_url") if start.audio_url else None
        known_s = stored.duration_s if stored else None
        seconds = lasting_s(start, known_s)
        return Plan(
            price=price(seconds, desk.prices),
            expected_s=WORK_BASE_S + WORK_SHARE * seconds,
            name=start.name,
            facts={"marks_key": marks_key_of(stored.key) if stored else "", "expected_s": seconds},
            measured=known_s is not None or not start.audio_url,
        )

    def measured_price(self, start: TalkingPhotoStart, results: dict[str, Any], prices: Prices) -> Price | None:
        return price(results["lasts_s"], prices) if "lasts_s" in results else None

    def view(self, task: Task, links: Links) -> dict[str, Any]:
        start = TalkingPhotoStart.model_validate(task.request)
        seconds = task.result.get("lasts_s", task.facts.get("expected_s", start.duration))
        return {
            "image_url": start.image_url,
            "audio_url": start.audio_url,
            "duration": math.ceil(round(seconds, 2)),
            "prompt": start.prompt,
            "negative_prompt": start.negative_prompt,
            **captioned.shown(task, links),
        }


def price(seconds: float, prices: Prices) -> Price:
    """Of a talking photo: by the second, parts of one counted to the hundredth."""
    return prices.of("talking_photo", round(seconds, 2))


def lasting_s(start: TalkingPhotoStart, sound_s: float | None) -> float:
    """How long the video will be.

    Args:
        sound_s: length of the recording; None where it is not known, or there is none.
    """
    if not start.audio_url:
        return start.duration or SILENT_S
    if sound_s is None:
        return start.duration or GUESSED_S
    return min(sound_s, start.duration) if start.duration else sound_s


def feeling(prompt: str, negative_prompt: str = "") -> str:
    """The feeling that a prompt names first, in the engine's word; ``neutral`` where it names none."""
    wanted, unwanted = re.sub(NEGATION + r"\w+", " ", prompt.lower()), negative_prompt.lower()
    named = {name: re.search(rf"\b(?:{words})\b", wanted) for name, words in FEELINGS.items()}
    places = {
        name: match.start()
        for name, match in named.items()
        if match and not re.search(rf"\b(?:{FEELINGS[name]})\b", unwanted)
    }
    return min(places, key=lambda name: places[name], default="neutral")


def _fetch(job: Job[TalkingPhotoStart]) -> dict[str, Any]:
    job.fetch(job.start.image_url, Kind.PICTURE, "picture")
    if not job.start.audio_url:
        return {"lasts_s": float(lasting_s(job.start, None))}
    sound_s = studio.measure_sound(job, job.start.audio_url, marks_key=job.facts["marks_key"])
    return {"sound_s": round(sound_s, 4), "lasts_s": round(lasting_s(job.start, sound_s), 4)}


def _render(job: Job[TalkingPhotoStart]) -> dict[str, Any]:
    _rendered(job)
    return {}


def _publish(job: Job[TalkingPhotoStart]) -> dict[str, Any]:
    return studio.publish_video(job, _rendered(job)) | captioned.publish(job)


def _rendered(job: Job[TalkingPhotoStart]) -> Path:
    from avatarium.engine.face import Emotion, Life

    emotion = Emotion(feeling(job.start.prompt, job.start.negative_prompt))
    life = Life(seed=0, fps=float(studio.FPS), emotion=emotion)
    return studio.render(
        job,
        "video.mp4",
        lambda: _scene(job),
        life=life,
        title=job.start.name,
        captions=lambda size: captioned.painter(job, size),
    )


def _scene(job: Job[TalkingPhotoStart]) -> tuple[Renderer, Script]:
    from avatarium.engine.options import SpeakOptions
    from avatarium.engine.talking import prepare_view

    picture = job.fetch(job.start.image_url, Kind.PICTURE, "picture").path
    view = prepare_view(picture, SpeakOptions(canvas=canvas_of(picture)))
    lasts_s = job.results["lasts_s"]
    if not job.start.audio_url:
        return view, studio.silence(lasts_s)
    return view, studio.hear(
        job,
        job.start.audio_url,
        marks_key=job.facts["marks_key"],
        whole_s=job.results["sound_s"],
        lasts_s=lasts_s,
    )


def canvas_of(picture: Path) -> Canvas:
    """A video in the shape of a photo, its short side of 720 pixels."""
    from avatarium.engine.picture import read_picture
    from avatarium.engine.video import Canvas

    photo = read_picture(picture)
    height = SHORT_SIDE * max(1.0, photo.height / photo.width)
    return Canvas(resolution=round(min(height, LONG_SIDE)))


FAMILY = TalkingPhoto()
