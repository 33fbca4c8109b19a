"""Somebody in a picture made ready to be shown in a live room."""

from __future__ import annotations

from pathlib import Path

from avatarium.engine.avatars import read_avatar
from avatarium.engine.face.actor import View
from avatarium.engine.face.shot import Shot, frame_shot
from avatarium.engine.picture.read import Picture
from avatarium.engine.production import Renderer
from avatarium.engine.talking import actor_of, nearest_size
from avatarium.engine.video.framing import Ground, Size, make_ground
from avatarium.errors import OptionError

LOWEST, HIGHEST = 240, 720


def live_view(
    picture: Picture | str | Path,
    *,
    resolution: int = 512,
    shape: str | None = None,
    background: Ground | None = None,
    shot: Shot = Shot.AUTO,
    cutout: bool = False,
) -> Renderer:
    """Find the face in a picture and lay the picture out. Takes about a second of CPU.

    Args:
        picture: a picture, the path of one, or the name of a built-in avatar.
        resolution: pixels of the shorter side, 240 to 720; both sides are made even.
        shape: such as ``"1:1"`` or ``"9:16"``; None takes the usual one that is nearest to the picture's.
        background: a colour or picture in place of the picture's own ground.
        shot: how much of the picture is shown.
        cutout: whether the person is shown alone, by ``render_cutout``.

    Raises:
        PictureError: the picture cannot be used, or (FaceError) the face in it.
        OptionError: ``resolution_range``, or a shape that does not exist.
    """
    if not LOWEST <= resolution <= HIGHEST:
        raise OptionError(
            f"A live picture of {resolution} pixels is not offered; give {LOWEST} to {HIGHEST} for its shorter side.",
            code="resolution_range",
        )
    if not isinstance(picture, Picture):
        picture = read_avatar(picture)
    usual = nearest_size(picture.width, picture.height) if shape is None else Size.parse(shape)
    size = _scaled(usual, resolution)
    actor = actor_of(picture)
    ground = None if background is None else make_ground(background, size)
    return View(actor, size, frame_shot(actor, size, shot), background=ground, cutout=cutout)


def _scaled(size: Size, short: int) -> Size:
    scale = short / min(size.width, size.height)
    return Size(round(size.width * scale / 2) * 2, round(size.height * scale / 2) * 2)
