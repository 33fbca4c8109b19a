"""What stands behind the avatar of a video: what may be asked for together, how long it takes, how it is laid out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from avatarium.errors import InputError, RequestError
from avatarium.families.clips import look_up_video
from avatarium.storage.sniff import Kind
from avatarium.tasks.family import Desk
from avatarium.tasks.job import Job

if TYPE_CHECKING:
    from avatarium.catalogue.models import Avatar
    from avatarium.engine.video import Canvas
    from avatarium.engine.video.framing import Ground
    from avatarium.families.video_start import VideoStart

TWO_BACKGROUNDS = 30005
"""The number that clients know this case by."""
FILM_SHARE, BLUR_SHARE = 0.4, 0.4
"""Seconds of work for a second of video before a video, or with the own ground out of focus; at 1080 lines."""
TOLD_SHARE, GUESSED_CLIP_S = 2.5, 20.0
"""Seconds of work for a second of the clip that an avatar was made from, when its person is told anew."""


def check_grounds(start: VideoStart) -> None:
    """Refuse grounds that exclude each other.

    Raises:
        RequestError: ``two_backgrounds``, ``two_grounds``, ``alpha_and_background``, ``alpha_needs_webm``.
    """
    chosen = [name for name in ("back_id", "custom_back_id", "background_video") if getattr(start, name)]
    if len(chosen) > 1:
        raise RequestError(
            f"`{chosen[0]}` and `{chosen[1]}` exclude each other. Send one of them.",
            code="two_backgrounds",
            number=TWO_BACKGROUNDS,
        )
    if start.anchor_background_img and start.anchor_background_color:
        raise RequestError(
            "`anchor_background_img` and `anchor_background_color` exclude each other. Send one of them.",
            code="two_grounds",
        )
    if start.alpha and (chosen or start.color or start.background_blur):
        raise RequestError(
            "A clear ground (`alpha`) and a background exclude each other. Send one of them.",
            code="alpha_and_background",
        )
    if start.alpha and start.format == "mp4":
        raise RequestError(
            "An MP4 has no clear ground. Send `format` as webm, or leave it out.", code="alpha_needs_webm"
        )


def look_up_film(start: VideoStart, desk: Desk) -> None:
    """Refuse at once what is known to be no video.

    Raises:
        RequestError: ``bad_url``, ``wrong_kind``.
        ForbiddenError, NotFoundError: an address of ours that is too old, or whose file is gone.
    """
    if start.background_video:
        look_up_video(start.background_video, desk, "background_video")


def is_replaced(start: VideoStart, ground_key: str) -> bool:
    """Whether the avatar has to be told from its own ground."""
    return bool(ground_key or start.color or start.alpha or start.background_video or start.background_blur)


def more_s(start: VideoStart, avatar: Avatar, ground_key: str, seconds: float, desk: Desk) -> float:
    """What the ground adds to the work, in seconds.

    Args:
        seconds: of the video.
    """
    more = 0.0
    if start.background_video:
        more += FILM_SHARE * seconds
    elif start.background_blur and not (ground_key or start.color):
        more += BLUR_SHARE * seconds
    if avatar.package_key and _told_anew(start, avatar, ground_key):
        clip = desk.storage.info(avatar.sound_key) if avatar.sound_key else None
        more += TOLD_SHARE * ((clip.duration_s if clip else None) or GUESSED_CLIP_S)
    return more


def _told_anew(start: VideoStart, avatar: Avatar, ground_key: str) -> bool:
    named = bool(start.anchor_background_img or start.anchor_background_color)
    known = bool(avatar.background_key or avatar.background_color)
    return named and not known and is_replaced(start, ground_key)


def fetch_film(job: Job[VideoStart]) -> None:
    """Fetch the video that is to stand behind, and see that it can.

    Raises:
        InputError: ``video_too_long``; as ``probe`` of the engine.
        RequestError, TooLargeError: it cannot be had.
    """
    from avatarium.engine.video import read_frames
    from avatarium.storage.media import duration_s

    path = film_of(job)
    if path is None:
        return
    limit_s = job.settings.media_max_s
    if duration_s(path) > limit_s + 1:
        raise InputError(
            f"The video behind `background_video` is longer than the {limit_s / 60:g} minutes that are taken. Cut it.",
            code="video_too_long",
        )
    next(read_frames(path))


def film_of(job: Job[VideoStart]) -> Path | None:
    """The video that is to stand behind, on the local disk."""
    url = job.start.background_video
    return job.fetch(url, Kind.VIDEO, "background").path if url else None


def canvas_of(job: Job[VideoStart]) -> Canvas:
    """Where the avatar and a ground lie; a video is laid on it as a picture would be."""
    from avatarium.engine.colours import parse_colour
    from avatarium.engine.picture import read_picture
    from avatarium.engine.video import Canvas, Rectangle

    start = job.start
    ground: Ground | None = None
    if job.facts["ground_key"]:
        ground = read_picture(job.stored(job.facts["ground_key"], "ground")).over()
    elif start.color and not start.background_video:
        ground = parse_colour(start.color)
    place = (start.web_people_x, start.web_people_y, start.web_people_width, start.web_people_height)
    behind = (start.web_dist_bg_x, start.web_dist_bg_y, start.web_dist_bg_width, start.web_dist_bg_height)
    return Canvas(
        resolution=start.resolution,
        width=start.web_bg_width,
        height=start.web_bg_height,
        person=Rectangle.given(*place),
        ground=ground,
        ground_at=Rectangle.given(*behind),
    )


def shown_ground(start: VideoStart) -> dict[str, Any]:
    """Our own fields of the record."""
    return {"background_video": start.background_video, "background_blur": start.background_blur}
