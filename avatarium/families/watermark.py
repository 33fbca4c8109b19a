"""A visible mark, words or a logo, in a picture or a video (``watermark/start``)."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from avatarium.engine.watermark import LogoMark, Mark, Position, TextMark
from avatarium.errors import InputError, RequestError
from avatarium.families import studio
from avatarium.families.fields import GUESSED_S, LenientStart, Url, Word, look_up
from avatarium.storage.sniff import Kind
from avatarium.tasks.family import Desk, Family, Links, Plan, Queue, Step
from avatarium.tasks.job import Job

if TYPE_CHECKING:
    from avatarium.storage.models import StoredObject
    from avatarium.tasks.models import Task

TEXT_MAX = 500
WORK_S = 4.0
"""Of a picture, and of any video."""
WORK_SHARE = 0.4
"""Seconds of work for a second of video."""
QUICK_VIDEO_S = 10.0
"""A video may be so long where an address promised a picture."""
PICTURE_ENDINGS = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".apng", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
)
OPAQUE = 255

Level = Annotated[int, Field(ge=0, le=255)]


class WatermarkStart(LenientStart):
    """``POST watermark/start``."""

    media_url: Url = Field(description="The picture or video.")
    watermark_type: Annotated[Literal["text", "image"], Word] = Field(
        "text", description="`text`, or `image` for a logo."
    )
    text: str = Field("", max_length=TEXT_MAX, description="The words of a mark of text.")
    watermark_image_url: Url = Field("", description="The logo, its clear parts kept.")
    fontsize: int = Field(48, ge=4, le=2000, description="Height of a line of text in pixels of the result.")
    fontcolor: tuple[Level, Level, Level, Level] = Field(
        (255, 255, 255, 200), description="Red, green, blue and opacity, 0 to 255."
    )
    position: str = Field(
        "bottom_right", max_length=32, description="`top_left` to `bottom_right`, `center`, or `tile` for all over."
    )
    scale_ratio: float = Field(1, ge=0.05, le=20, description="Size of a logo; 1 is the usual.")
    to_720p: bool = Field(False, description="Reduce the result so that its short side has 720 pixels.")

    @model_validator(mode="before")
    @classmethod
    def _logo_means_image(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("watermark_image_url") and not given.get("watermark_type"):
            return {**given, "watermark_type": "image"}
        return given

    @field_validator("fontcolor", mode="before")
    @classmethod
    def _opaque_unless_told(cls, given: Any) -> Any:
        return [*given, OPAQUE] if isinstance(given, list | tuple) and len(given) == 3 else given


class Watermark(Family[WatermarkStart]):
    """Fetch what is to be marked, mark it, keep the result."""

    name: ClassVar[str] = "watermark"
    group: ClassVar[str] = "Miscellaneous"
    engine: ClassVar[str] = "avatarium-watermark"
    queue: ClassVar[Queue] = Queue.QUICK
    """Of pictures; a video may take minutes, and waits where videos do."""
    generic: ClassVar[bool] = False
    start = WatermarkStart

    def __init__(self) -> None:
        self.steps = (Step("fetch", _fetch), Step("mark", _mark, 10))

    def plan(self, start: WatermarkStart, desk: Desk) -> Plan:
        if start.watermark_type == "text" and not start.text:
            raise RequestError("`text` is missing. It is: the words of the mark.", code="no_text")
        if start.watermark_type == "image" and not start.watermark_image_url:
            raise RequestError("`watermark_image_url` is missing. It is: the logo.", code="no_logo")
        _mark_of(start, Path())
        stored = look_up(start.media_url, desk, "media_url")
        if start.watermark_type == "image":
            look_up(start.watermark_image_url, desk, "watermark_image_url")
        still = is_picture(start.media_url, stored)
        seconds = 0.0 if still else (stored and stored.duration_s) or GUESSED_S
        return Plan(
            price=desk.prices.of("watermark"),
            expected_s=WORK_S + WORK_SHARE * seconds,
            queue=Queue.QUICK if still else Queue.MEDIA,
        )

    def view(self, task: Task, links: Links) -> dict[str, Any]:
        start = WatermarkStart.model_validate(task.request)
        return {
            "request_id": f"watermark_{task.id}",
            "media_url": start.media_url,
            "watermark_type": start.watermark_type,
            "text": start.text,
            "watermark_image_url": start.watermark_image_url,
            "fontsize": start.fontsize,
            "fontcolor": list(start.fontcolor),
            "position": start.position,
            "scale_ratio": start.scale_ratio,
            "to_720p": start.to_720p,
            "credentials_url": links.url(task.result.get("credentials_key", "")),
        }


def is_picture(url: str, stored: StoredObject | None) -> bool:
    """Whether a picture is likely to be behind an address: by what is stored of ours, by the ending of others'."""
    if stored is not None:
        return stored.media_type.startswith("image/")
    return PurePosixPath(urlsplit(url).path).suffix.lower() in PICTURE_ENDINGS


def _fetch(job: Job[WatermarkStart]) -> dict[str, Any]:
    from avatarium.storage.media import duration_s

    media = job.fetch(job.start.media_url, Kind.VISUAL, "media")
    if job.start.watermark_type == "image":
        job.fetch(job.start.watermark_image_url, Kind.PICTURE, "logo")
    if media.kind is Kind.VIDEO:
        _check_length(job, duration_s(media.path))
    return {}


def _check_length(job: Job[WatermarkStart], seconds: float) -> None:
    limit_s = job.settings.media_max_s
    if seconds > limit_s:
        raise InputError(
            f"The video is longer than the {limit_s / 60:g} minutes that are taken. Cut it.", code="video_too_long"
        )
    if job.task.queue == Queue.QUICK and seconds > QUICK_VIDEO_S:
        raise InputError(
            "The address ends as that of a picture, and a long video is there. Give it under an address that ends as "
            "a video's does, such as .mp4.",
            code="named_as_picture",
        )


def _mark(job: Job[WatermarkStart]) -> dict[str, Any]:
    start = job.start
    logo = start.watermark_type == "image"
    mark = _mark_of(start, job.fetch(start.watermark_image_url, Kind.PICTURE, "logo").path if logo else Path())
    media = job.fetch(job.start.media_url, Kind.VISUAL, "media")
    if media.kind is Kind.VIDEO:
        return _marked_video(job, media.path, mark)
    return _marked_picture(job, media.path, mark)


def _mark_of(start: WatermarkStart, logo: Path) -> Mark:
    position = Position.parse(start.position)
    if start.watermark_type == "text":
        return TextMark(text=start.text, fontsize=start.fontsize, fontcolor=start.fontcolor, position=position)
    return LogoMark(path=logo, position=position, scale_ratio=start.scale_ratio)


def _marked_picture(job: Job[WatermarkStart], source: Path, mark: Mark) -> dict[str, Any]:
    from avatarium.engine.watermark import picture_ending, watermark_picture

    ending = picture_ending(source)
    out = job.scratch / f"{job.task.attempt}-marked{ending}"
    watermark_picture(source, out, mark, to_720p=job.start.to_720p)
    media_type = {".jpg": "image/jpeg", ".webp": "image/webp"}.get(ending, "image/png")
    key = studio.publish(job, out, f"marked{ending}", media_type, edited=source)
    return {"key": key, "cover_key": key}


def _marked_video(job: Job[WatermarkStart], source: Path, mark: Mark) -> dict[str, Any]:
    from avatarium.engine.video import cover, probe
    from avatarium.engine.watermark import video_ending, watermark_video

    ending = video_ending(source)
    out = job.scratch / f"{job.task.attempt}-marked{ending}"
    watermark_video(source, out, mark, to_720p=job.start.to_720p, progress=lambda share: job.progress(0.97 * share))
    seconds = round(probe(out).duration_s, 3)
    still = job.scratch / "cover.jpg"
    cover(out, still)
    key = studio.publish(job, out, f"marked{ending}", f"video/{ending[1:]}", duration_s=seconds, edited=source)
    return {
        "key": key,
        "credentials_key": studio.credentials_of(job, key),
        "cover_key": studio.publish(job, still, "cover.jpg", "image/jpeg", edited=source),
        "seconds": seconds,
    }


FAMILY = Watermark()
