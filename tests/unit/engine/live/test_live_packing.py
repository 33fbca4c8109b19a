"""A person on a clear ground as one opaque picture: the mask arrives, and no other colour comes in at the edge."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from avatarium.engine.face.life import Life
from avatarium.engine.face.pose import Pose
from avatarium.engine.live import Painter, Performer
from avatarium.engine.live.packing import UNSURE, extended, pack
from avatarium.engine.video import Size

PERSON, OTHER = (200, 60, 40), (0, 255, 0)
Image = NDArray[np.uint8]


def disc(width: int, height: int, radius: float = 0.3) -> Image:
    """A soft disc of one colour; where nobody is the colours are another's."""
    down, across = np.mgrid[:height, :width]
    distance = np.hypot(across - width / 2, down - height / 2) - radius * min(width, height)
    alpha = np.clip(0.5 - distance / 6, 0, 1)
    colours = np.where(alpha[..., None] * 255 > UNSURE, PERSON, OTHER)
    return np.dstack([colours, alpha * 255]).round().astype(np.uint8)


def unpacked(packed: Image, height: int) -> tuple[Image, Image]:
    """Colours and mask, as a decoder gives them."""
    rgb = cv2.cvtColor(packed, cv2.COLOR_YUV2RGB_I420)
    return np.asarray(rgb[:height], np.uint8), np.asarray(rgb[height:, :, 0], np.uint8)


@pytest.mark.parametrize(("width", "height"), [(64, 64), (96, 54), (54, 96), (426, 240), (34, 910)])
def test_the_mask_arrives_and_nothing_of_another_colour(width: int, height: int) -> None:
    cutout = disc(width, height)
    packed = pack(cutout)
    assert packed.shape == (3 * height, width) and packed.flags.c_contiguous
    colours, mask = unpacked(packed, height)
    assert np.abs(mask.astype(int) - cutout[..., 3]).max() <= 2
    near = cutout[..., 3] > 0
    assert np.abs(colours[near].astype(int) - PERSON).max() <= 4, "the green of where nobody is is not seen at the edge"


def test_colours_go_on_beyond_the_edge_where_they_are() -> None:
    cutout = np.zeros((80, 80, 4), np.uint8)
    cutout[:, :40], cutout[:, 40:] = (200, 0, 0, 255), (0, 0, 200, 255)
    cutout[:30] = 0
    around = extended(cutout)
    assert around[24, 4, 0] > 160 and around[24, 4, 2] < 40
    assert around[24, 76, 2] > 160 and around[24, 76, 0] < 40
    assert (around[30:] == cutout[30:, :, :3]).all(), "the person is as it was"


@given(st.integers(1, 40), st.integers(1, 40))
def test_any_size_and_nobody_at_all_is_packed(half_width: int, half_height: int) -> None:
    nobody = np.zeros((2 * half_height, 2 * half_width, 4), np.uint8)
    _, mask = unpacked(pack(nobody), 2 * half_height)
    assert not mask.any()


class Disc:
    """A renderer of a disc."""

    in_order = False

    def __init__(self) -> None:
        self.size = Size(64, 48)

    def render(self, pose: Pose) -> Image:
        raise AssertionError("a transparent room shows the person alone")

    def render_cutout(self, pose: Pose) -> Image:
        return disc(64, 48)

    def close(self) -> None: ...


def test_a_painter_paints_in_double_height() -> None:
    painter = Painter(Disc(), packed=True)
    assert painter.size == Size(64, 96)
    frame = painter.paint(Performer(Life(seed=1)).tick())
    assert frame.shape == (144, 64)
    assert (unpacked(frame, 48)[1][24, 32], unpacked(frame, 48)[1][2, 2]) == (255, 0)
