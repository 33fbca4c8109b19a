"""Marking a video: the mark as luma and chroma, laid over each frame where it lies and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.files import StrPath
from avatarium.engine.video.encoding import EncoderOptions
from avatarium.engine.video.planes import Plane, Planes
from avatarium.engine.video.probe import probe
from avatarium.engine.video.retouch import retouch
from avatarium.engine.watermark.marks import Mark
from avatarium.engine.watermark.overlay import Patch, make_overlay, patches
from avatarium.engine.watermark.picture import SHORT_SIDE

Wide = NDArray[np.uint16]

# Kr and Kb by the matrix numbers of ISO/IEC 23091-2, table 4; BT.601 for those that nobody uses.
_BT601 = (0.299, 0.114)
_WEIGHTS = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593)}


def watermark_video(
    path: StrPath,
    out: StrPath,
    mark: Mark,
    *,
    to_720p: bool = False,
    options: EncoderOptions | None = None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Lay a mark over every frame of a video; sound, times and rate stay, outside the mark only the encoding changes.

    Args:
        path: the video, any kind that ``probe`` reads.
        out: where the result goes, complete or not at all: ``.mp4``, or ``.webm``, which keeps a clear background
            (see :func:`video_ending`).
        to_720p: reduce it so that the short side has 720 pixels; smaller videos stay as they are.
        options: how to encode.
        progress: told the share done, 0 to 1; what it raises ends the work.

    Raises:
        InputError, OptionError, OutputError: as :func:`retouch`.
        PictureError, TextError, AssetError: the mark cannot be drawn, as :func:`watermark_picture`.
    """
    retouch(
        path,
        out,
        lambda width, height: Stencil(mark, width, height).lay,
        short_side=SHORT_SIDE if to_720p else None,
        options=options,
        progress=progress,
    )


def video_ending(path: StrPath) -> str:
    """The ending for a result that keeps what the source is: ``.webm`` for WebM and clear backgrounds, else ``.mp4``.

    Raises:
        InputError: as ``probe``.
    """
    facts = probe(path)
    return ".webm" if facts.alpha or facts.codec.lower().startswith(("vp8", "vp9", "libvpx")) else ".mp4"


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """A patch of the mark in one plane."""

    where: tuple[slice, slice]
    added: Wide
    """Value times cover, 0 to 65025."""
    cover: Wide
    """0 to 255."""

    def over(self, plane: Plane) -> None:
        """Lay it over an opaque plane."""
        mixed = plane[self.where] * (255 - self.cover) + self.added + 128
        # (t + (t >> 8)) >> 8 is the rounded division by 255, and stays within 16 bits.
        plane[self.where] = (mixed + (mixed >> 8)) >> 8

    def over_clear(self, plane: Plane, cover_below: NDArray[np.float32]) -> None:
        """Lay it over a plane whose samples count only as far as they are covered, 0 to 255."""
        below = cover_below * (255 - self.cover) / 255
        mixed = (self.added + plane[self.where] * below) / np.maximum(self.cover + below, 1e-6)
        touched = self.cover > 0
        plane[self.where][touched] = np.rint(mixed)[touched]


@dataclass(frozen=True, slots=True, eq=False)
class _Stamp:
    """The mark at one place, in the three planes."""

    luma: _Layer
    blue: _Layer
    red: _Layer

    def lay(self, planes: Planes) -> None:
        layers = ((self.luma, planes.y), (self.blue, planes.u), (self.red, planes.v))
        if planes.alpha is None:
            for layer, plane in layers:
                layer.over(plane)
            return
        fine = planes.alpha.astype(np.float32)
        for layer, plane in layers:
            layer.over_clear(plane, (fine if layer is self.luma else _quartered(fine))[layer.where])
        whole = self.luma.cover + fine[self.luma.where] * (255 - self.luma.cover) / 255
        planes.alpha[self.luma.where] = np.rint(whole)


class Stencil:
    """A mark for pictures of one size; its colours are converted once, at the first picture."""

    def __init__(self, mark: Mark, width: int, height: int) -> None:
        self._patches = tuple(patches(make_overlay(mark, width, height), width, height))
        self._stamps: tuple[_Stamp, ...] | None = None

    def lay(self, planes: Planes) -> None:
        """Lay the mark over a picture, in place; all pictures must be coded alike."""
        if self._stamps is None:
            self._stamps = tuple(_stamp(patch, planes.matrix, planes.full_range) for patch in self._patches)
        for stamp in self._stamps:
            stamp.lay(planes)


def _stamp(patch: Patch, matrix: int, full_range: bool) -> _Stamp:
    """Begin and end on whole pairs of rows and columns, which share their chroma."""
    left, top = patch.x % 2, patch.y % 2
    rows, columns = patch.rgba.shape[0] + top, patch.rgba.shape[1] + left
    rgba = np.pad(patch.rgba, ((top, rows % 2), (left, columns % 2), (0, 0))).astype(np.float32)
    cover = rgba[..., 3]
    y, u, v = (plane * cover for plane in _yuv(rgba[..., :3], matrix, full_range))
    luma = (slice(patch.y, patch.y + patch.rgba.shape[0]), slice(patch.x, patch.x + patch.rgba.shape[1]))
    inside = (slice(top, rows), slice(left, columns))
    half = (patch.y - top) // 2, (patch.x - left) // 2
    chroma = (slice(half[0], half[0] + (rows + 1) // 2), slice(half[1], half[1] + (columns + 1) // 2))
    share = np.rint(_quartered(cover))
    # The products are divided by the exact cover and multiplied by the rounded one: a faint mark keeps its hue.
    scale = share / np.maximum(_quartered(cover), 1e-6)
    return _Stamp(
        _Layer(luma, _wide(y[inside]), _wide(cover[inside])),
        _Layer(chroma, _wide(_quartered(u) * scale), _wide(share)),
        _Layer(chroma, _wide(_quartered(v) * scale), _wide(share)),
    )


def _yuv(rgb: NDArray[np.float32], matrix: int, full_range: bool) -> tuple[NDArray[np.float32], ...]:
    """RGB to Y'CbCr by the matrix and range that a video is tagged with."""
    kr, kb = _WEIGHTS.get(matrix, _BT601)
    r, g, b = (rgb[..., channel] / 255 for channel in range(3))
    y = kr * r + (1 - kr - kb) * g + kb * b
    u, v = (b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))
    if full_range:
        return 255 * y, np.minimum(128 + 255 * u, 255), np.minimum(128 + 255 * v, 255)
    return 16 + 219 * y, 128 + 224 * u, 128 + 224 * v


def _quartered(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of two by two; an odd last row or column counts as doubled."""
    even = np.pad(plane, ((0, plane.shape[0] % 2), (0, plane.shape[1] % 2)), mode="edge")
    mean: NDArray[np.float32] = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    return mean


def _wide(values: NDArray[np.float32]) -> Wide:
    return np.rint(values).astype(np.uint16)
