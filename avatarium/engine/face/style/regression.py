"""A person's own targets out of a clip: ridge regression towards those of most people.

What little data says is believed a little: a sound that is heard for a second moves its target, one that is heard once
hardly does, and one that is never heard goes along with the person's general manner (how wide they open, how much they
round).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.pose import Mouth
from avatarium.engine.face.style.design import CONTROLS, VISEMES, Design, targets_of
from avatarium.engine.face.style.record import GENERAL
from avatarium.engine.face.visemes import Viseme

Array = NDArray[np.float64]

SPREAD = np.array([0.03, 0.03, 0.02, 0.012])
"""How far one person's targets lie from another's, by control (IOD)."""
_GAIN_SPREAD, _SHIFT_SPREADS, _TARGET_SPREADS = 0.7, 1.0, 3.0
"""Prior deviations: of the gain, and in :data:`SPREAD` of a shift of all targets and of each. Wider than people differ
at rest, since dominance hides half of every target; flat within a factor of two on six clips."""
_LIKE_FRAMES = 5.0
"""So many neighbouring frames err together and count as one."""
_DRIFT_S = 2.0
"""Slower changes than this are mood and pose; they are fitted along and thrown away."""

_SILENT, _PRESSED = VISEMES.index(Viseme.SILENCE), VISEMES.index(Viseme.P_B_M)
_USUAL = targets_of(GENERAL)


def fit_targets(design: Design, controls: Array, weights: Array, fps: float) -> Array:
    """Targets that explain what was seen.

    Silence is fitted along, since recognised speech has holes in which people do speak, but stays what it was: shut.

    Args:
        design: of the clip's speech.
        controls: measured, shape ``(frames, 4 or more)``.
        weights: how much each frame counts, shape ``(frames,)``; 0 leaves it out.

    Returns:
        Shape ``(visemes, 4)``.
    """
    drift = _drift(len(controls), fps)
    found = np.stack([_fit(design, controls, weights, control, drift) for control in CONTROLS], axis=1)
    found[_SILENT] = _USUAL[_SILENT]
    found[_PRESSED, Mouth.OPEN] = _USUAL[_PRESSED, Mouth.OPEN]
    return found


def predicted(design: Design, targets: Array) -> Array:
    """The curves of some targets, shape ``(frames, 4)``, but for the last touches of the real ones."""
    return np.stack([design.factors[k] @ targets[:, k] + design.fixed[k] for k in CONTROLS], axis=1)


def _fit(design: Design, controls: Array, weights: Array, control: Mouth, drift: Array) -> Array:
    usual, factors = _USUAL[:, control], design.factors[control]
    speaking, free = np.ones(len(VISEMES)), np.ones(len(VISEMES))
    speaking[_SILENT] = 0
    if control is Mouth.OPEN:  # lips that press are shut, whoever presses them
        speaking[_PRESSED] = free[_PRESSED] = 0
    columns = np.column_stack([factors @ usual, factors @ speaking, factors * free, drift])
    left = controls[:, control] - design.fixed[control] - factors @ usual
    centre = np.average(left, weights=weights)
    deviation = float(np.sqrt(np.average((left - centre) ** 2, weights=weights))) + 1e-6
    spread = SPREAD[control]
    prior = np.concatenate(
        [
            [_GAIN_SPREAD, _SHIFT_SPREADS * spread],
            np.where(free > 0, _TARGET_SPREADS * spread, 1e-6),
            np.full(drift.shape[1], deviation / np.sqrt(max(1, drift.shape[1]))),
        ]
    )
    noise = deviation**2 * _LIKE_FRAMES
    normal = columns.T @ (columns * weights[:, None]) / noise + np.diag(prior**-2.0)
    found = np.linalg.solve(normal, columns.T @ (weights * left) / noise)
    targets: Array = usual * (1 + found[0]) + found[1] * speaking + found[2 : 2 + len(VISEMES)] * free
    return targets


def _drift(frames: int, fps: float) -> Array:
    """Cosines whose half waves last :data:`_DRIFT_S` / 2 and more, shape ``(frames, waves)``."""
    waves = np.arange(1, int(2 * frames / fps / _DRIFT_S) + 1)
    drift: Array = np.cos(np.pi * (np.arange(frames)[:, None] + 0.5) / frames * waves)
    return drift
