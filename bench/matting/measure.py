"""How far an alpha is from the truth, and how much it trembles."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

Alpha = NDArray[np.float32]
STILL = 1.0
"""A pixel whose clean picture changed less, levels of 255, did not change."""
STEADY = 0.004
"""Change of the true alpha up to which it stands still."""
SIGMA = 1.4
"""Of the derivative of a Gaussian for gradients, as in Rhemann et al. 2009."""


@dataclass(slots=True)
class Tally:
    """Errors of one matte over one clip, frame after frame."""

    absolute: list[float] = field(default_factory=list)
    gradient: list[float] = field(default_factory=list)
    flicker: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    _was: tuple[Alpha, Alpha, NDArray[np.uint8]] | None = None

    def add(self, alpha: Alpha, truth: Alpha, clean: NDArray[np.uint8], cpu_ms: float) -> None:
        """Take a frame: the alpha that was made, what it should be, the picture without noise, and what it took."""
        self.absolute.append(float(np.abs(alpha - truth).mean()))
        self.gradient.append(float(np.abs(_gradient(alpha) - _gradient(truth)).mean()))
        if self._was is not None:
            still = np.abs(clean.astype(np.int16) - self._was[2]).max(2) <= STILL
            still &= np.abs(truth - self._was[1]) < STEADY
            if still.any():
                self.flicker.append(float(np.abs(alpha - self._was[0])[still].mean()))
        self._was = alpha, truth, clean
        self.cpu_ms.append(cpu_ms)

    @property
    def mean_absolute(self) -> float:
        """Thousandths of full alpha, mean over all pixels."""
        return 1000 * float(np.mean(self.absolute))

    @property
    def mean_gradient(self) -> float:
        """Thousandths for each pixel of the frame."""
        return 1000 * float(np.mean(self.gradient))

    @property
    def mean_flicker(self) -> float:
        """Change of alpha from frame to frame where the picture stands still, thousandths."""
        return 1000 * float(np.mean(self.flicker)) if self.flicker else 0.0

    @property
    def median_cpu_ms(self) -> float:
        """For a frame, of the whole process; the first ones, which compile and load, do not count."""
        return float(np.median(self.cpu_ms[2:] or self.cpu_ms))


def _gradient(alpha: Alpha) -> NDArray[np.float32]:
    soft = cv2.GaussianBlur(alpha, (0, 0), SIGMA)
    return np.hypot(cv2.Sobel(soft, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(soft, cv2.CV_32F, 0, 1, scale=0.125))
