"""Somebody in a picture, or a twin, made ready to be shown in a live room."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.avatars import read_avatar
from avatarium.engine.face.actor import View
from avatarium.engine.face.frame import Points
from avatarium.engine.face.shot import Shot, frame_shot
from avatarium.engine.face.style.record import SpeakingStyle
from avatarium.engine.face.video.actor import VideoActor
from avatarium.engine.face.video.view import VideoView
from avatarium.engine.filmed import is_twin
from avatarium.engine.options import nearest_size
from avatarium.engine.picture.read import Picture
from avatarium.engine.production import Renderer
from avatarium.engine.talking import actor_of
from avatarium.engine.video.framing import Ground, Size, make_ground
from avatarium.errors import OptionError

LOWEST, HIGHEST = 240, 720


def live_view(
    who: Picture | VideoActor | str | Path,
    *,
    resolution: int = 512,
    shape: str | None = None,
    background: Ground | None = None,
    shot: Shot = Shot.AUTO,
    cutout: bool = False,
    style: SpeakingStyle | None = None,
) -> Renderer:
    """Find the face in a picture and lay the picture out, or lay out a twin. Takes about a second of CPU.

    Args:
        who: a picture, the path of one or of a twin's file, the name of a built-in avatar, or a twin that is open and
            stays so.
        resolution: pixels of the shorter side, 240 to 720; both sides are made even.
        shape: such as ``"1:1"`` or ``"9:16"``; None takes the usual one that is nearest to the picture's.
        background: a colour or picture in place of the picture's own ground.
        shot: how much of the picture is shown.
        cutout: whether the person is shown alone, by ``render_cutout``.
        style: of a twin: its face moves as this person's does.

    Raises:
        PictureError: the picture cannot be used, or (FaceError) the face in it.
        InputError: ``twin_unreadable``.
        OptionError: ``resolution_range``, or a shape that does not exist.
    """
    if not LOWEST <= resolution <= HIGHEST:
        raise OptionError(
            f"A live picture of {resolution} pixels is not offered; give {LOWEST} to {HIGHEST} for its shorter side.",
            code="resolution_range",
        )
    if isinstance(who, VideoActor):
        size = _size(who.width, who.height, resolution, shape)
        placement, ground = frame_shot(who, size, shot), _ground(background, size)
        return VideoView(who, size, placement, background=ground, cutout=cutout, basis=_basis(style))
    if not isinstance(who, Picture) and is_twin(who):
        return _OwnTwin(VideoActor.open(Path(who)), resolution, shape, background, shot, cutout, style)
    picture = who if isinstance(who, Picture) else read_avatar(who)
    size = _size(picture.width, picture.height, resolution, shape)
    actor = actor_of(picture)
    return View(actor, size, frame_shot(actor, size, shot), background=_ground(background, size), cutout=cutout)


class _OwnTwin(VideoView):
    """The only view of a twin, which is closed with it."""

    def __init__(
        self,
        actor: VideoActor,
        resolution: int,
        shape: str | None,
        background: Ground | None,
        shot: Shot,
        cutout: bool,
        style: SpeakingStyle | None,
    ) -> None:
        self._own = actor
        with ExitStack() as unless_made:
            unless_made.callback(actor.close)
            size = _size(actor.width, actor.height, resolution, shape)
            placement, ground = frame_shot(actor, size, shot), _ground(background, size)
            super().__init__(actor, size, placement, background=ground, cutout=cutout, basis=_basis(style))
            unless_made.pop_all()

    def close(self) -> None:
        """Let go of the films and of the twin."""
        super().close()
        self._own.close()


def _size(width: int, height: int, short: int, shape: str | None) -> Size:
    usual = nearest_size(width, height) if shape is None else Size.parse(shape)
    scale = short / min(usual.width, usual.height)
    return Size(round(usual.width * scale / 2) * 2, round(usual.height * scale / 2) * 2)


def _basis(style: SpeakingStyle | None) -> Points | None:
    return None if style is None else style.basis


def _ground(background: Ground | None, size: Size) -> NDArray[np.uint8] | None:
    return None if background is None else make_ground(background, size)
