"""Whom to keep of all that the network takes for people."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.picture.matting.kinds import Alpha

SEEN = 0.35
LEAST = 0.015
"""Share of the largest part below which another part is noise."""
HOLE = 0.0012
"""Share of the picture below which a hole inside a person is an earring, not the room between arm and body."""
ROOM_PX = 12
"""Pixels about a part that is kept in which its soft edge lies."""


class Kept:
    """Leaves out small islands, and, when told whom to follow, everybody else."""

    def __init__(self) -> None:
        self._face: Sequence[float] | None = None
        self._was: NDArray[np.bool_] | None = None

    def begin(self, face: Sequence[float] | None) -> None:
        """A new shot begins, with the person's face at left, top, right, bottom; None keeps everybody in it."""
        self._face, self._was = face, None

    def only(self, mask: Alpha) -> Alpha:
        """The mask of those who are kept."""
        there = (mask > SEEN).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(there, connectivity=8)
        if count <= 1:
            return mask
        sizes = stats[1:, cv2.CC_STAT_AREA]
        good = {int(n) + 1 for n in np.nonzero(sizes >= LEAST * sizes.max())[0]}
        good = self._followed(np.asarray(labels, np.int32), np.asarray(sizes, np.int32), good)
        wanted = np.zeros(count, bool)
        wanted[list(good)] = True
        keep = wanted[labels]
        self._was = keep if self._face is not None else None
        room = np.ones((2 * ROOM_PX + 1, 2 * ROOM_PX + 1), np.uint8)
        near = cv2.blur(cv2.dilate(keep.astype(np.float32), room), (5, 5))
        return np.asarray(mask * near, np.float32)

    def _followed(self, labels: NDArray[np.int32], sizes: NDArray[np.int32], good: set[int]) -> set[int]:
        """The parts of the person who was named: those that lie on the face, later on where the person was."""
        if self._face is None:
            return good
        if self._was is None:
            left, top, right, bottom = (max(0, round(side)) for side in self._face)
            under = labels[top : bottom + 1, left : right + 1]
        else:
            under = labels[self._was]
        votes = np.bincount(under.ravel(), minlength=len(sizes) + 1)[1:]
        mine = {n for n in good if votes[n - 1] > 0.2 * sizes[n - 1] or votes[n - 1] == votes.max() > 0}
        return mine or good


def without_holes(mask: Alpha) -> Alpha:
    """The mask with small holes closed, each with a pixel about it."""
    empty = (mask < 0.5).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(empty, connectivity=4)
    small = np.nonzero(stats[:, cv2.CC_STAT_AREA] < HOLE * mask.size)[0]
    inner = [n for n in small if n > 0 and not _touches_edge(stats[n], mask.shape)]
    if count <= 2 or not inner:
        return mask
    holes = cv2.dilate(np.isin(labels, inner).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return np.where(holes, np.float32(1), mask)


def _touches_edge(stats: NDArray[np.int32], shape: tuple[int, ...]) -> bool:
    left, top = stats[cv2.CC_STAT_LEFT], stats[cv2.CC_STAT_TOP]
    right, bottom = left + stats[cv2.CC_STAT_WIDTH], top + stats[cv2.CC_STAT_HEIGHT]
    return bool(left == 0 or top == 0 or right == shape[1] or bottom == shape[0])
