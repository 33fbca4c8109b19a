"""Reading a picture of any common kind into eight-bit sRGB, whatever its file holds."""

from __future__ import annotations

import io
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from avatarium.engine.files import StrPath, open_regular
from avatarium.engine.picture.colour import to_srgb
from avatarium.engine.picture.sniff import HEAD_BYTES, PictureFormat, describe_other, sniff_picture
from avatarium.errors import PictureError

Rgb = NDArray[np.uint8]
"""Eight-bit sRGB, shape ``(height, width, 3)``."""
Alpha = NDArray[np.uint8]
"""Coverage, 0 clear to 255 opaque, shape ``(height, width)``."""

MAX_PIXELS = 100_000_000
MAX_BYTES = 512 * 2**20
MAX_GIF_BYTES = 32 * 2**20
"""The frames of a GIF can only be counted by walking through the file."""
MIN_SIDE = 16
LONGEST = 4096
"""Longest side of what ``read_picture`` returns unless told otherwise."""

_READABLE = "Use a JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF file."

# What Pillow's decoders raise for files that are cut short, damaged or made to hurt.
_DECODER_TROUBLES = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    zlib.error,
)

_opening = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A picture, upright, in sRGB."""

    rgb: Rgb
    """Not multiplied by ``alpha``."""
    alpha: Alpha | None
    """None where every pixel is opaque."""
    format: PictureFormat
    frames: int
    """How many frames or pages the file holds; the first is the one that was read."""
    source_width: int
    """As stored in the file, before turning upright and reducing."""
    source_height: int

    @property
    def width(self) -> int:
        """Columns of ``rgb``."""
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        """Rows of ``rgb``."""
        return int(self.rgb.shape[0])

    @property
    def animated(self) -> bool:
        """Whether the file holds more than the frame that was read."""
        return self.frames > 1

    def over(self, ground: tuple[int, int, int] = (255, 255, 255)) -> Rgb:
        """The picture laid over a plain RGB colour; ``rgb`` itself where nothing is transparent."""
        return self.rgb if self.alpha is None else lay_over(self.rgb, self.alpha, np.asarray(ground, np.uint8))


def lay_over(rgb: Rgb, alpha: Alpha, ground: NDArray[np.uint8]) -> Rgb:
    """Lay a transparent picture over a ground, which is one colour or a picture of the same size."""
    cover = alpha[..., None].astype(np.uint16)
    mixed = rgb.astype(np.uint16) * cover + ground.astype(np.uint16) * (255 - cover) + 128
    # (t + (t >> 8)) >> 8 is the rounded division by 255, and stays within 16 bits.
    return ((mixed + (mixed >> 8)) >> 8).astype(np.uint8)


def read_picture(source: StrPath | bytes, *, longest: int = LONGEST) -> Picture:
    """Read a JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF picture.

    The kind is told from the content and no other decoder is tried. The picture is turned upright (EXIF), brought to
    sRGB through its embedded profile (CMYK, Display P3, Adobe RGB, grey), to eight bits, and reduced so that no side
    is longer than ``longest``; JPEG files are reduced while they are decoded. Of an animation the first frame is
    taken.

    Args:
        source: a path, or the bytes of a file.
        longest: the longest side allowed, in pixels.

    Raises:
        PictureError: ``picture_missing``, ``picture_unreadable`` (no picture, damaged, cut short), ``picture_format``
            (a kind that is not read), ``picture_too_large`` (over 100 megapixels) or ``picture_too_small``.
    """
    name = "The picture" if isinstance(source, bytes) else str(Path(source).name)
    with _opened(source) as file:
        head = file.read(HEAD_BYTES)
        file.seek(0, os.SEEK_END)
        kind = _checked_kind(name, head, file.tell())
        file.seek(0)
        try:
            return _decode(file, kind, name, longest)
        except Image.DecompressionBombError as problem:
            raise _too_large(name) from problem
        except _DECODER_TROUBLES as problem:
            raise PictureError(
                f"{name} is a damaged or incomplete {kind.value} picture. Save or download it again.",
                code="picture_unreadable",
            ) from problem


@contextmanager
def _opened(source: StrPath | bytes) -> Iterator[BinaryIO]:
    stream = (
        io.BytesIO(source) if isinstance(source, bytes) else open_regular(source, error=PictureError, noun="picture")
    )
    with stream:
        yield stream


def _checked_kind(name: str, head: bytes, size: int) -> PictureFormat:
    kind = sniff_picture(head)
    if kind is None and head:
        raise PictureError(f"{name} is {describe_other(head)}. {_READABLE}", code="picture_format")
    if kind is None:
        raise PictureError(f"{name} is empty. {_READABLE}", code="picture_unreadable")
    limit = MAX_GIF_BYTES if kind is PictureFormat.GIF else MAX_BYTES
    if size > limit:
        raise PictureError(
            f"{name} has {size // 2**20} MB; at most {limit // 2**20} MB are read. Make it smaller.",
            code="picture_too_large",
        )
    return kind


def _decode(file: BinaryIO, kind: PictureFormat, name: str, longest: int) -> Picture:
    with _unwarned(), Image.open(file, formats=[kind.value]) as image:
        width, height = image.size
        _check_size(name, width, height)
        frames = _frame_count(image, kind)
        image.draft(image.mode, _within(image.size, longest))
        image.load()
        upright = ImageOps.exif_transpose(_reduced(image, longest))
        rgb, alpha = to_srgb(upright)
    return Picture(rgb=rgb, alpha=alpha, format=kind, frames=frames, source_width=width, source_height=height)


@contextmanager
def _unwarned() -> Iterator[None]:
    """Pillow warns of damage that it raises for later, and from 89 megapixels on; the limit here is our own.

    The lock is there because two threads inside ``catch_warnings`` would restore each other's filters.
    """
    with _opening, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _check_size(name: str, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_large(name, width, height)
    if min(width, height) < MIN_SIDE:
        raise PictureError(
            f"{name} is only {width} x {height} pixels. Use a picture of at least {MIN_SIDE} x {MIN_SIDE}.",
            code="picture_too_small",
        )


def _too_large(name: str, width: int = 0, height: int = 0) -> PictureError:
    size = f"{width} x {height} pixels" if width else "too many pixels"
    return PictureError(
        f"{name} has {size}; at most {MAX_PIXELS // 1_000_000} megapixels are read. Make it smaller.",
        code="picture_too_large",
    )


def _frame_count(image: Image.Image, kind: PictureFormat) -> int:
    # A phone's JPEG may carry a second picture (depth, gain map) behind the photo; that is no animation.
    return 1 if kind is PictureFormat.JPEG else int(getattr(image, "n_frames", 1))


def _reduced(image: Image.Image, longest: int) -> Image.Image:
    """No side longer than ``longest``, in a mode that can be resampled without mixing palette indices."""
    size = _within(image.size, longest)
    if size == image.size:
        return image
    if image.has_transparency_data:
        # Multiplied by alpha, so that what is hidden does not bleed into the edge of what is seen.
        image = _keeping_info(image, image.convert("RGBA").convert("RGBa"))
    elif image.mode in ("P", "1"):
        image = _keeping_info(image, image.convert("RGB"))
    small = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if small.mode == "RGBa":
        small = small.convert("RGBA")
    return _keeping_info(image, small)


def _within(size: tuple[int, int], longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _keeping_info(source: Image.Image, made: Image.Image) -> Image.Image:
    """EXIF and the colour profile travel in ``info``, which some of Pillow's steps drop."""
    made.info = {**source.info, **made.info}
    return made
