"""A still for lists and players: the first frame of a video, or a picture made smaller, as JPEG."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avatarium.engine.files import StrPath, open_regular
from avatarium.engine.picture.read import LONGEST, read_picture
from avatarium.engine.picture.sniff import HEAD_BYTES, sniff_picture
from avatarium.engine.video.frames import read_frames
from avatarium.engine.video.framing import Size
from avatarium.engine.video.part import PartFile
from avatarium.errors import InputError

THUMBNAIL = 320
"""Longest side of a picture in a list, in pixels."""
_QUALITY = 88


def cover(source: StrPath, out: StrPath, *, longest: int = LONGEST) -> Size:
    """Write a JPEG of the first frame of a video or of a picture, complete or not there; tells its size.

    What is transparent lies over white. Nothing is enlarged.

    Args:
        source: a video or picture file, told by its content.
        longest: longest side in pixels, such as :data:`THUMBNAIL`.

    Raises:
        InputError: it is neither, or damaged.
        OutputError: the file cannot be written.
    """
    rgb = _still(source, longest)
    image = Image.fromarray(rgb)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    file = PartFile(out)
    with ExitStack() as undo, file.writing():
        undo.callback(file.discard)
        image.save(file.part, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
        file.land()
        undo.pop_all()
    return Size(*image.size)


def _still(source: StrPath, longest: int) -> NDArray[np.uint8]:
    with open_regular(source, error=InputError, noun="video") as file:
        kind = sniff_picture(file.read(HEAD_BYTES))
    if kind is not None:
        return read_picture(Path(source), longest=longest).over()
    return next(read_frames(source))
