"""An avatar from one picture: what its training does in a media process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avatarium.families.twin_start import TwinStart
from avatarium.storage.sniff import Kind
from avatarium.tasks.job import Job

if TYPE_CHECKING:
    from avatarium.engine.face import PhotoActor
    from avatarium.engine.picture import Picture

COVER_SIDE = 512
SMALL_FACE_PX = 90
"""Distance of the outer corners of the eyes below which a face gets soft in a large video."""
PENALTY = 20
"""Of a hundred, for each thing that could be better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitter:
    """The person in the picture of a training."""

    path: Path
    """The picture, written anew."""
    media_type: str
    suffix: str
    picture: Picture
    actor: PhotoActor


def sitter_of(job: Job[Any], url: str) -> Sitter:
    """The person in the picture behind an address.

    Raises:
        PictureError: it cannot be used, or (FaceError) the face in it.
        RequestError, TooLargeError: it cannot be had.
    """
    from avatarium.engine.face import PhotoActor
    from avatarium.engine.picture import read_picture
    from avatarium.storage.pictures import reencode

    given = job.fetch(url, Kind.PICTURE, "picture")
    path = job.scratch / f"{job.task.attempt}-clean"
    cleaned = reencode(given.path, path)
    picture = read_picture(path)
    actor = PhotoActor.from_picture(picture.over())
    return Sitter(path=path, media_type=cleaned.media_type, suffix=cleaned.suffix, picture=picture, actor=actor)


def look(job: Job[TwinStart]) -> dict[str, Any]:
    """Find the face, keep the picture with a cover and the person cut out."""
    from avatarium.engine.video import cover

    sitter = sitter_of(job, job.start.image_url)
    still, people = job.scratch / "cover.jpg", _people(job, sitter)
    cover(sitter.path, still, longest=COVER_SIDE)
    score, advice = advice_on(sitter)
    # The user's own picture: nothing in it is synthetic, so that nothing is signed.
    return {
        "picture_key": job.publish(sitter.path, f"picture{sitter.suffix}", sitter.media_type),
        "cover_key": job.publish(still, "cover.jpg", "image/jpeg"),
        "people_key": job.publish(people, "people.png", "image/png") if people else "",
        "score": score,
        "advice": advice,
    }


def shown(job: Job[TwinStart]) -> Path:
    """Who is shown in the sample."""
    return job.stored(job.results["picture_key"], f"{job.task.attempt}-kept")


def advice_on(sitter: Sitter) -> tuple[int, list[str]]:
    """How good an avatar a picture makes, 0 to 100, and what would make a better one."""
    import numpy as np

    from avatarium.engine.face.topology import EYE_OUTER_LEFT, EYE_OUTER_RIGHT

    face = sitter.actor.face
    advice = []
    if face.others:
        advice.append(f"The picture has {face.others + 1} faces; the largest speaks. Use a picture of one person.")
    eyes = face.points[[EYE_OUTER_LEFT, EYE_OUTER_RIGHT], :2]
    if float(np.linalg.norm(eyes[0] - eyes[1])) < SMALL_FACE_PX:
        advice.append("The face is small and will look soft in a large video. Use a picture in which it is larger.")
    if not sitter.actor.layered:
        advice.append(
            "The person cannot be told well from the ground, so backgrounds cannot be replaced. Use a plainer ground."
        )
    return 100 - PENALTY * len(advice), advice


def _people(job: Job[TwinStart], sitter: Sitter) -> Path | None:
    """The person cut out, where it can be told from the ground."""
    import numpy as np
    from PIL import Image

    if not sitter.actor.layered:
        return None
    cut = np.dstack((sitter.picture.over(), np.rint(255 * sitter.actor.alpha))).astype(np.uint8)
    out = job.scratch / "people.png"
    Image.fromarray(cut).save(out, "PNG", compress_level=4)
    return out
