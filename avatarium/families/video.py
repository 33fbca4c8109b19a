"""Avatar videos: an avatar says a recording before a ground of the caller's choice (``video/generate``)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from avatarium.clock import SECOND_MS, iso
from avatarium.errors import RequestError
from avatarium.families import captioned, studio
from avatarium.families.clips import ground_of, package_of
from avatarium.families.fields import GUESSED_S, look_up
from avatarium.families.tts import marks_key_of
from avatarium.families.twin_ground import told_from
from avatarium.families.video_ground import (
    canvas_of,
    check_grounds,
    fetch_film,
    film_of,
    is_replaced,
    look_up_film,
    more_s,
    shown_ground,
)
from avatarium.families.video_start import VideoStart
from avatarium.prices import Price, Prices
from avatarium.tasks.family import Desk, Family, Links, Plan, Step
from avatarium.tasks.job import Job
from avatarium.tasks.states import VIDEO_WORDS, State, Vocabulary

if TYPE_CHECKING:
    from avatarium.catalogue.models import Avatar
    from avatarium.engine.face.style import SpeakingStyle
    from avatarium.engine.production import Renderer
    from avatarium.engine.script import Script
    from avatarium.tasks.models import Task

WORK_SHARE, WORK_BASE_S = 0.9, 4.0
"""Seconds of work for a second of video at 1080 lines, and for any video."""


class Video(Family[VideoStart]):
    """Fetch the recording, draw the avatar saying it, keep the result."""

    name: ClassVar[str] = "video"
    group: ClassVar[str] = "Generate Avatar Videos"
    engine: ClassVar[str] = studio.ENGINE
    words: ClassVar[Vocabulary] = VIDEO_WORDS
    status_field: ClassVar[str] = "status"
    generic: ClassVar[bool] = False
    start = VideoStart

    def __init__(self) -> None:
        self.steps = (
            Step("fetch", _fetch),
            Step("listen", captioned.listen, 3),
            Step("render", _render, 20),
            Step("publish", _publish, 2),
        )

    @property
    def paths(self) -> tuple[str, ...]:
        return ("/video/generate",)

    def warm_up(self) -> None:
        """Load what draws; talking photos and avatars of users are drawn by the same."""
        studio.warm_up()

    def plan(self, start: VideoStart, desk: Desk) -> Plan:
        _check(start)
        avatar = _chosen_avatar(start, desk)
        background = start.back_id or start.custom_back_id
        ground_key = desk.catalogue.background(desk.owner, background).key if background else ""
        if start.anchor_background_img:
            look_up(start.anchor_background_img, desk, "anchor_background_img")
        look_up_film(start, desk)
        stored = look_up(start.sound_url, desk, "audioSrc")
        known_s = stored.duration_s if stored else None
        seconds = known_s or GUESSED_S
        facts = {
            "avatar": avatar.source,
            "picture_key": "" if avatar.source else avatar.picture_key,
            "package_key": avatar.package_key,
            "twin_id": avatar.twin_id,
            "ground_known": bool(avatar.background_key or avatar.background_color),
            "model_key": desk.catalogue.lip_models.key_for(desk.owner, avatar.id) if avatar.package_key else "",
            "ground_key": ground_key,
            "marks_key": marks_key_of(stored.key) if stored else "",
            "anchor_type": 1 if avatar.owner else 0,
        }
        return Plan(
            price=price(seconds, desk.prices),
            expected_s=WORK_BASE_S
            + WORK_SHARE * seconds * max(start.resolution / 1080, 0.3) ** 2
            + more_s(start, avatar, ground_key, seconds, desk),
            name=start.title,
            facts=facts,
            measured=known_s is not None,
            engine=studio.VIDEO_ENGINE if avatar.package_key else "",
        )

    def measured_price(self, start: VideoStart, results: dict[str, Any], prices: Prices) -> Price | None:
        return price(results["sound_s"], prices) if "sound_s" in results else None

    def view(self, task: Task, links: Links) -> dict[str, Any]:
        """The seventeen fields of ``awsResult`` and ours; ``diff_s`` and ``current_date`` are as of the last change."""
        start = VideoStart.model_validate(task.request)
        age_s = (task.updated_ms - task.created_ms) // SECOND_MS
        return {
            "title": start.title,
            "result": links.url(task.result.get("key", "")),
            "process": task.progress,
            "msg": task.failed_message,
            "error": task.failed_message,
            "anchor_id": start.anchor_id,
            "anchor_type": str(task.facts.get("anchor_type", start.anchor_type or 0)),
            "web_bg_width": round(start.web_bg_width),
            "web_bg_height": round(start.web_bg_height),
            "color": start.color,
            "result_people_url": "",
            "result_bg_url": "",
            "replace_bg_id": start.back_id,
            "custom_backs_id": start.custom_back_id or None,
            "resolution": start.resolution,
            "duration": task.result.get("seconds", 0) if task.state is State.COMPLETED else 0,
            "diff_s": age_s,
            "current_date": iso(task.updated_ms),
            **captioned.shown(task, links),
            "credentials_url": links.url(task.result.get("credentials_key", "")),
            **shown_ground(start),
        }


def price(seconds: float, prices: Prices) -> Price:
    """Of a video: each second begun; a hundredth of one does not count."""
    return prices.of("video", max(1, math.ceil(round(seconds, 2))))


def _check(start: VideoStart) -> None:
    check_grounds(start)
    if not start.sound_url:
        raise RequestError(
            "`audioSrc` is missing. Make speech with video/send_tts, or upload a recording, and give its URL.",
            code="no_audio",
        )
    captioned.check(start)
    if bool(start.web_bg_width) != bool(start.web_bg_height):
        raise RequestError(
            "`web_bg_width` and `web_bg_height` belong together. Send both, or 0 for both.", code="canvas_shape"
        )


def _chosen_avatar(start: VideoStart, desk: Desk) -> Avatar:
    avatar = desk.catalogue.avatar(desk.owner, start.anchor_id)
    own = avatar.owner is not None
    if start.anchor_type is not None and own != bool(start.anchor_type):
        whose = "one of your own, `anchor_type` 1" if own else "one that ships, `anchor_type` 0"
        raise RequestError(f"This avatar is {whose}, and the call says otherwise. Change it.", code="anchor_type_wrong")
    return avatar


def _fetch(job: Job[VideoStart]) -> dict[str, Any]:
    seconds = studio.measure_sound(job, job.start.sound_url, marks_key=job.facts["marks_key"])
    fetch_film(job)
    return {"sound_s": round(seconds, 4)}


def _render(job: Job[VideoStart]) -> dict[str, Any]:
    _rendered(job)
    return {}


def _publish(job: Job[VideoStart]) -> dict[str, Any]:
    invented = bool(job.facts["avatar"]) and bool(job.facts["marks_key"])
    return studio.publish_video(job, _rendered(job), invented=invented) | captioned.publish(job)


def _rendered(job: Job[VideoStart]) -> Path:
    from avatarium.engine.face import Life

    style = studio.style_of(job, job.facts.get("model_key", ""))
    return studio.render(
        job,
        f"video{job.start.suffix}",
        lambda: _scene(job, style),
        life=Life(seed=0, fps=float(studio.FPS), style=style),
        title=job.start.title,
        alpha=job.start.alpha,
        captions=lambda size: captioned.painter(job, size),
    )


def _scene(job: Job[VideoStart], style: SpeakingStyle | None) -> tuple[Renderer, Script]:
    from avatarium.engine.options import SpeakOptions
    from avatarium.engine.talking import prepare_view

    seconds = job.results["sound_s"]
    options = SpeakOptions(
        canvas=canvas_of(job),
        film=film_of(job),
        blur=job.start.background_blur,
        alpha=job.start.alpha,
        style=style,
        reverse=job.start.is_allow_reverse,
        scratch=job.scratch,
    )
    view = prepare_view(_who(job), options)
    return view, studio.hear(
        job, job.start.sound_url, marks_key=job.facts["marks_key"], whole_s=seconds, lasts_s=seconds
    )


def _who(job: Job[VideoStart]) -> str | Path:
    """The avatar as the engine takes it: a name, a picture, or what was packed of a video."""
    if job.facts["avatar"]:
        return str(job.facts["avatar"])
    if job.facts.get("package_key"):
        return _package(job)
    return job.stored(job.facts["picture_key"], "avatar")


def _package(job: Job[VideoStart]) -> Path:
    """An avatar from a video, told from its own ground by what the call says of that, where nothing was said before and
    another ground is wanted."""
    start, facts = job.start, job.facts
    named = bool(start.anchor_background_img or start.anchor_background_color)
    if not named or not is_replaced(start, facts["ground_key"]) or facts["ground_known"]:
        return package_of(job, facts["package_key"])
    ground = ground_of(job, picture_url=start.anchor_background_img, colour=start.anchor_background_color)
    assert ground is not None
    return told_from(job, facts["package_key"], ground, twin_id=facts["twin_id"])


FAMILY = Video()
