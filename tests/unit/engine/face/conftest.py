"""The average face, in pixels."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
from numpy.typing import NDArray

UNIT = 150.0
"""Pixels between the outer eye corners."""


@pytest.fixture(scope="session")
def face() -> NDArray[np.float64]:
    """The average face's mesh in a picture of 512 x 512, shape ``(468, 3)``."""
    with np.load(str(files("avatarium.engine.face") / "data/motion.npz")) as data:
        points: NDArray[np.float64] = data["face"].astype(float) * UNIT + [256, 200, 0]
    return points
