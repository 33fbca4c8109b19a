"""Where things are: face units, pixels, and the patch of canvas a layer is painted on.

One face unit is the distance between the outer corners of the eyes; the origin lies midway between them, x runs to
the viewer's right and y down.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A rectangle of canvas: the face coordinates of every pixel, and where it sits."""

    x: Array
    y: Array
    left: int
    top: int
    unit: float

    @property
    def side(self) -> Array:
        """|x|, for what both halves of the face share."""
        return np.abs(self.x)


@dataclass(frozen=True, kw_only=True)
class Space:
    """A canvas of `width` x `height` pixels with `unit` pixels to one face unit."""

    width: int
    height: int
    unit: float
    centre: Point

    def patch(self, box: Box) -> Patch:
        """The pixels whose centres lie in `box` (left, top, right, bottom in face units), clipped to the canvas."""
        left, right = self._span(box[0], box[2], self.centre[0], self.width)
        top, bottom = self._span(box[1], box[3], self.centre[1], self.height)
        columns = (np.arange(left, right, dtype=np.float32) + 0.5 - self.centre[0]) / self.unit
        rows = (np.arange(top, bottom, dtype=np.float32) + 0.5 - self.centre[1]) / self.unit
        x, y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
        return Patch(x=x, y=y, left=left, top=top, unit=self.unit)

    def whole(self) -> Patch:
        return self.patch((-99.0, -99.0, 99.0, 99.0))

    def pixels(self, points: Array) -> Array:
        """Face coordinates (..., 2) to pixel coordinates as OpenCV counts them (centres at whole numbers)."""
        return (points * self.unit + np.asarray(self.centre, dtype=np.float32) - 0.5).astype(np.float32)

    def _span(self, low: float, high: float, centre: float, size: int) -> tuple[int, int]:
        first = int(np.floor(low * self.unit + centre))
        last = int(np.ceil(high * self.unit + centre))
        return max(0, min(size - 1, first)), max(1, min(size, last))
