"""Users' videos on their way to avatars: refused at once where that can be told, else made plain in a media process."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avatarium.errors import InputError, RequestError, TooLargeError
from avatarium.families.fields import look_up
from avatarium.storage.models import StoredObject
from avatarium.storage.sniff import Kind, advice
from avatarium.tasks.family import Desk
from avatarium.tasks.job import Job

if TYPE_CHECKING:
    from avatarium.engine.face.advice import Advice
    from avatarium.engine.face.video.tracking import Track
    from avatarium.engine.video.framing import Ground
    from avatarium.engine.video.intake import Clip

SHORTEST_S, LONGEST_S = 10.0, 600.0
"""Of a clip that an avatar is made from."""
LESS_S, MORE_S = 0.1, 1.0
"""By how much a header may tell less and more, as the intake has it, which counts pictures: sound ends behind them."""
KEPT_S = 60.0
"""Of a long clip: more of the same person makes no better avatar, and a larger one."""
CLIP_MAX_BYTES = 4 << 30
PACKAGE_MAX_BYTES = 2 << 30
"""Of a packed avatar: a minute of 1080 lines has a tenth of it."""
REASONS = 2
"""Of the sentences about a clip of which no avatar can be made, those that are told: the first say why."""
PACKAGE_TYPE = "application/vnd.avatarium.twin+zip"


def look_up_clip(url: str, desk: Desk, field: str) -> StoredObject | None:
    """The clip behind an address, if it lies here; what can be told of it at once is told.

    Raises:
        RequestError: ``bad_url``, ``wrong_kind``, ``clip_too_short``, ``clip_too_long``.
        ForbiddenError, NotFoundError: an address of ours that is too old, or whose file is gone.
    """
    stored = look_up_video(url, desk, field)
    if stored is not None and stored.duration_s is not None:
        check_length(stored.duration_s)
    return stored


def look_up_video(url: str, desk: Desk, field: str) -> StoredObject | None:
    """The video behind an address, if it lies here.

    Raises:
        RequestError: ``bad_url``, ``wrong_kind``.
        ForbiddenError, NotFoundError: an address of ours that is too old, or whose file is gone.
    """
    stored = look_up(url, desk, field)
    if stored is not None and not stored.media_type.startswith("video/"):
        raise RequestError(f"`{field}` leads to a file that is no video. {advice(Kind.VIDEO)}", code="wrong_kind")
    return stored


def check_length(seconds: float) -> None:
    """Refuse a clip by the length that its header tells.

    Raises:
        RequestError: ``clip_too_short``, ``clip_too_long``.
    """
    if seconds < SHORTEST_S - LESS_S:
        raise RequestError(
            f"The video has {seconds:.1f} seconds, and an avatar needs {SHORTEST_S:g} at least. Use a longer one.",
            code="clip_too_short",
        )
    if seconds > LONGEST_S + MORE_S:
        raise RequestError(
            f"The video is longer than {LONGEST_S / 60:g} minutes. Cut out the best minute and use that.",
            code="clip_too_long",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A user's video, made plain."""

    clip: Clip
    sha256: str
    """Of the file as it was fetched."""


def taken(job: Job[Any], url: str) -> Taken:
    """The video behind an address, made plain, in the scratch folder; made unless it lies there.

    Raises:
        InputError: the sentence says what is wrong with it.
        RequestError, TooLargeError: it cannot be had.
    """
    from avatarium.engine.video.intake import clip_from_json, clip_to_json, take_clip

    folder = job.scratch / f"{job.task.attempt}-clip"
    note = folder / "clip.json"
    if note.exists():
        noted = json.loads(note.read_text(encoding="utf-8"))
        return Taken(clip=clip_from_json(noted["clip"]), sha256=noted["sha256"])
    given = job.fetch(url, Kind.VIDEO, "video")
    folder.mkdir(exist_ok=True)
    with given.path.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    clip = take_clip(given.path, folder, min_s=SHORTEST_S, max_s=LONGEST_S, keep_s=KEPT_S, progress=job.progress)
    part = note.with_suffix(".part")
    part.write_text(json.dumps({"clip": clip_to_json(clip), "sha256": sha256}), encoding="utf-8")
    part.replace(note)
    return Taken(clip=clip, sha256=sha256)


def same_clip(job: Job[Any], url: str) -> Clip:
    """The clip that an earlier step has made plain, made again if that was on another machine.

    Raises:
        InputError: ``clip_changed``: another video lies behind the address by now; else as :func:`taken`.
    """
    video = taken(job, url)
    if video.sha256 != job.results["clip_sha256"]:
        raise InputError(
            "The video behind the URL has changed since it was looked at. Start again.", code="clip_changed"
        )
    return video.clip


def looked_at(job: Job[Any], clip: Clip) -> tuple[Track, Advice]:
    """Where the face that the clip is about is in every frame, and what is thought of the clip.

    Raises:
        FaceError: no face that an avatar can be made of.
    """
    from avatarium.engine.face.advice import advise, sample_numbers
    from avatarium.engine.face.video.choosing import track_clip
    from avatarium.engine.face.video.films import plain_frames
    from avatarium.engine.face.video.measures import measure

    track = track_clip(clip.path, clip.frames, progress=lambda done: job.progress(done / clip.frames))
    wanted = set(sample_numbers(len(track)))
    sample = {number: frame for number, frame in enumerate(plain_frames(clip.path)) if number in wanted}
    return track, advise(sample, track, measure(track), clip.sound, clip)


def ground_of(job: Job[Any], *, picture_url: str = "", picture_key: str = "", colour: str = "") -> Ground | None:
    """The known ground of a clip: a picture goes before a colour.

    Raises:
        PictureError, RequestError: the picture cannot be had or read.
    """
    from avatarium.engine.colours import parse_colour
    from avatarium.engine.picture import read_picture

    if picture_key:
        return read_picture(job.stored(picture_key, "own-ground")).over()
    if picture_url:
        return read_picture(job.fetch(picture_url, Kind.PICTURE, "given-ground").path).over()
    return parse_colour(colour) if colour else None


def network_of(job: Job[Any]) -> Path | None:
    """The operator's own network that tells people from grounds, where the settings name one."""
    named = job.settings.matting_engine
    return Path(named).expanduser() if named else None


def package_of(job: Job[Any], key: str) -> Path:
    """A packed avatar on the local disk, for reading.

    Raises:
        TooLargeError: ``twin_too_large``.
        NotFoundError: ``file_gone``.
    """
    found = job.storage.info(key)
    if found is not None and found.size_bytes > PACKAGE_MAX_BYTES:
        raise too_large()
    return job.stored(key, f"{job.task.attempt}-package.twin")


def too_large() -> TooLargeError:
    """The error for a packed avatar that nobody should load."""
    return TooLargeError(
        f"The avatar would take more than {PACKAGE_MAX_BYTES >> 20} MB. Use a shorter or smaller video.",
        code="twin_too_large",
    )


def unfit(advice_given: Advice) -> InputError:
    """The error for a clip that no avatar can be made of."""
    return InputError(
        " ".join(advice_given.sentences[:REASONS]) or "No avatar can be made of this clip.", code="clip_unfit"
    )
