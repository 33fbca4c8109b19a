"""Marking a still picture."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avatarium.engine.files import StrPath
from avatarium.engine.picture import Picture, PictureFormat, read_picture
from avatarium.engine.watermark.marks import Mark
from avatarium.engine.watermark.overlay import make_overlay, patches
from avatarium.errors import OptionError, OutputError, PictureError

SHORT_SIDE = 720
"""Of a result that is scaled to 720p."""
_ANY_SIDE = 100_000
_KINDS = {
    ".png": PictureFormat.PNG,
    ".jpg": PictureFormat.JPEG,
    ".jpeg": PictureFormat.JPEG,
    ".webp": PictureFormat.WEBP,
}
_WEBP_LONGEST = 16383
_CHOICES: dict[PictureFormat, dict[str, object]] = {
    PictureFormat.PNG: {"compress_level": 6},
    PictureFormat.JPEG: {"quality": 95, "subsampling": 0},
    PictureFormat.WEBP: {"quality": 95, "method": 4, "exact": False},
}


def watermark_picture(path: StrPath, out: StrPath, mark: Mark, *, to_720p: bool = False) -> None:
    """Lay a mark over a picture, upright and in sRGB; outside the mark nothing but the encoding changes.

    Args:
        path: a picture of any kind that ``read_picture`` reads.
        out: where the result goes, complete or not at all; ``.png``, ``.jpg`` or ``.webp`` decides the kind (see
            :func:`picture_ending` for the kind of the source).
        to_720p: reduce it so that the short side has 720 pixels; smaller pictures stay as they are.

    Raises:
        PictureError: as ``read_picture``; ``picture_moves`` for an animation; also for the logo.
        OptionError: ``output_format``, or ``output_alpha`` where a JPEG would lose a clear background.
        TextError: ``text_glyphs``, ``text_shaping`` or ``text_no_room``.
        AssetError: a font cannot be fetched.
        OutputError: ``output_failed``.
    """
    kind = _KINDS.get(Path(out).suffix.lower())
    if kind is None:
        raise OptionError(f"{Path(out).name} must be named .png, .jpg or .webp.", code="output_format")
    picture = read_picture(path, longest=_ANY_SIDE)
    if picture.animated:
        raise PictureError(f"{Path(path).name} moves. Save it as a video to mark it.", code="picture_moves")
    if kind is PictureFormat.JPEG and picture.alpha is not None:
        raise OptionError("A JPEG file cannot hold a clear background. Name it .png or .webp.", code="output_alpha")
    if kind is PictureFormat.WEBP and max(picture.width, picture.height) > _WEBP_LONGEST and not to_720p:
        raise OptionError(f"A WebP file ends at {_WEBP_LONGEST} pixels. Name it .png or .jpg.", code="output_format")
    pixels = _reduced(_rgba(picture)) if to_720p else _rgba(picture)
    overlay = make_overlay(mark, pixels.shape[1], pixels.shape[0])
    for patch in patches(overlay, pixels.shape[1], pixels.shape[0]):
        rows, columns = patch.rgba.shape[:2]
        lay(patch.rgba, pixels[patch.y : patch.y + rows, patch.x : patch.x + columns])
    _save(pixels, Path(out), kind)


def picture_ending(path: StrPath) -> str:
    """The ending for a result of the same kind: ``.jpg``, ``.webp``, and ``.png`` for every other."""
    picture = read_picture(path, longest=64)
    return {PictureFormat.JPEG: ".jpg", PictureFormat.WEBP: ".webp"}.get(picture.format, ".png")


def lay(mark: NDArray[np.uint8], ground: NDArray[np.uint8]) -> None:
    """Lay RGBA over RGB or RGBA of the same size, in place; neither is multiplied by alpha."""
    cover = mark[..., 3:].astype(np.float32) / 255
    if ground.shape[2] == 3:
        mixed = mark[..., :3] * cover + ground * (1 - cover)
        ground[...] = np.rint(mixed)
        return
    behind = ground[..., 3:].astype(np.float32) / 255 * (1 - cover)
    whole = cover + behind
    mixed = (mark[..., :3] * cover + ground[..., :3] * behind) / np.maximum(whole, 1e-6)
    touched = cover[..., 0] > 0
    ground[touched] = np.rint(np.concatenate((mixed, whole * 255), axis=2))[touched]


def _rgba(picture: Picture) -> NDArray[np.uint8]:
    return picture.rgb if picture.alpha is None else np.dstack((picture.rgb, picture.alpha))


def _reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    short = min(pixels.shape[:2])
    if short <= SHORT_SIDE:
        return pixels
    height, width = (max(1, round(side * SHORT_SIDE / short)) for side in pixels.shape[:2])
    image = Image.fromarray(pixels)
    if image.mode == "RGBA":
        return np.array(image.convert("RGBa").resize((width, height), Image.Resampling.LANCZOS).convert("RGBA"))
    return np.array(image.resize((width, height), Image.Resampling.LANCZOS))


def _save(pixels: NDArray[np.uint8], out: Path, kind: PictureFormat) -> None:
    part = out.parent / f".{secrets.token_hex(8)}.part"
    try:
        Image.fromarray(pixels).save(part, format=kind.value, **_CHOICES[kind])
        os.replace(part, out)
    except OSError as problem:
        reason = problem.strerror or "the picture could not be encoded"
        raise OutputError(f"{out.name} could not be written: {reason}.", code="output_failed") from problem
    finally:
        part.unlink(missing_ok=True)
