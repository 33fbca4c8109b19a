"""An avatar from a video: what its training does in a media process."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from avatarium.families import clips
from avatarium.families.clips import KEPT_S as KEPT_S
from avatarium.families.twin_start import TwinStart
from avatarium.storage.sniff import Kind
from avatarium.tasks.job import Job

COVER_SIDE = 512
BASE_HEIGHT = 480
"""Of the moving picture for lists."""


def take(job: Job[TwinStart]) -> dict[str, Any]:
    """Fetch the video and make it plain; keep its sound and the picture of its own ground."""
    video = clips.taken(job, job.start.video_url)
    clip = video.clip
    made: dict[str, Any] = {
        "clip_sha256": video.sha256,
        "seconds": round(clip.duration_s, 2),
        "notes": list(clip.notes),
        "sound_key": "",
        "background_key": "",
    }
    if clip.sound is not None:
        made["sound_key"] = job.publish(clip.sound, "sound.wav", "audio/wav", duration_s=clip.duration_s)
    if job.start.ground_url:
        made["background_key"] = _keep_ground(job)
    return made


def look(job: Job[TwinStart]) -> dict[str, Any]:
    """Follow the face; refuse a clip that no avatar can be made of, and say what would make a better one.

    Raises:
        FaceError, InputError: the sentence says why.
    """
    clip = clips.same_clip(job, job.start.video_url)
    track, advice = clips.looked_at(job, clip)
    if not advice.fit_to_train:
        raise clips.unfit(advice)
    path = job.scratch / f"{job.task.attempt}-track.npz"
    track.save(path)
    return {
        "track_key": job.publish(path, "track.npz", "application/octet-stream"),
        "score": advice.score,
        "advice": [*advice.sentences, *job.results["notes"]],
    }


def prepare(job: Job[TwinStart]) -> dict[str, Any]:
    """Lay the person out as an avatar: the life between words, the mouths, the person cut out."""
    from avatarium.engine.face.video.preparation import prepare_twin
    from avatarium.engine.face.video.tracking import Track
    from avatarium.engine.video import cover

    clip = clips.same_clip(job, job.start.video_url)
    track = Track.load(job.stored(job.results["track_key"], f"{job.task.attempt}-track-kept"))
    ground = clips.ground_of(job, picture_key=job.results["background_key"], colour=job.start.ground_color)
    out = _package(job)
    made = prepare_twin(clip, out, track=track, ground=ground, network=clips.network_of(job), progress=job.progress)
    if out.stat().st_size > clips.PACKAGE_MAX_BYTES:
        raise clips.too_large()
    still, base = job.scratch / "cover.jpg", job.scratch / f"{job.task.attempt}-base.mp4"
    cover(made.poster, still, longest=COVER_SIDE)
    _write_base(out, base, job.scratch / f"{job.task.attempt}-unpacked")
    # The user's own video: nothing in it is synthetic, so that nothing is signed.
    picture_key = job.publish(made.poster, "poster.jpg", "image/jpeg")
    return {
        "package_key": job.publish(out, "twin.twin", clips.PACKAGE_TYPE),
        "base_key": job.publish(base, "base.mp4", "video/mp4"),
        "picture_key": picture_key,
        "people_key": picture_key,
        "cover_key": job.publish(still, "cover.jpg", "image/jpeg"),
        "advice": list(dict.fromkeys([*job.results["advice"], *made.notes])),
    }


def shown(job: Job[TwinStart]) -> Path:
    """Who is shown in the sample."""
    path = _package(job)
    return path if path.exists() else clips.package_of(job, job.results["package_key"])


def _package(job: Job[TwinStart]) -> Path:
    return job.scratch / f"{job.task.attempt}-made.twin"


def _keep_ground(job: Job[TwinStart]) -> str:
    """Write the picture of the video's own ground anew and keep it."""
    from avatarium.storage.pictures import reencode

    given = job.fetch(job.start.ground_url, Kind.PICTURE, "given-ground")
    path = job.scratch / f"{job.task.attempt}-ground"
    cleaned = reencode(given.path, path)
    return job.publish(path, f"ground{cleaned.suffix}", cleaned.media_type)


def _write_base(package: Path, out: Path, folder: Path) -> None:
    """The avatar's life between words as a small video, to be played round and round in lists."""
    from avatarium.engine.face.video.package import read_twin
    from avatarium.engine.face.video.tracking import TWIN_FPS
    from avatarium.engine.video import VideoWriter, fit_picture, read_frames
    from avatarium.engine.video.canvas import Canvas
    from avatarium.engine.video.framing import Fit

    twin = read_twin(package)
    folder.mkdir(exist_ok=True)
    try:
        life = twin.extract("base.mp4", folder)
        size = Canvas(resolution=BASE_HEIGHT).size(twin.manifest.width, twin.manifest.height)
        with VideoWriter(out, width=size.width, height=size.height, fps=TWIN_FPS, rate=None) as writer:
            for frame in read_frames(life):
                writer.write(fit_picture(frame, size, Fit.CROP))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
