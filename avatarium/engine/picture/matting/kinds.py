"""What the modules of matting pass to each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""RGB, ``(H, W, 3)``."""
Alpha = NDArray[np.float32]
"""Share of the person in each pixel, 0..1, shape ``(H, W)``."""
Colours = NDArray[np.float32]
"""RGB, 0..255, ``(H, W, 3)``, before rounding."""
Colour = tuple[int, int, int]
"""Red, green, blue, 0..255."""
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; the last two are outside."""
