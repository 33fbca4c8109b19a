"""The mouth's curves as a sum over visemes: what a target is multiplied with in each frame.

The curves of :func:`~avatarium.engine.face.coarticulation.mouth_controls` are linear in the targets as long as a mouth
is open, which is what makes a person's own targets a matter of regression.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.coarticulation import OVERSAMPLING, PRESSED_GAP, Segment, closure, scene, shares, smooth
from avatarium.engine.face.life import loudness_of
from avatarium.engine.face.pose import Mouth
from avatarium.engine.face.style.record import GENERAL, SpeakingStyle
from avatarium.engine.face.visemes import Viseme
from avatarium.engine.speech.records import Speech

CONTROLS = (Mouth.OPEN, Mouth.WIDTH, Mouth.CHIN, Mouth.UP)
"""What is measured on a face and fitted; tuck and tongue are not seen."""
VISEMES = tuple(Viseme)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Curves before their targets are known: control ``k`` is ``factors[k] @ targets[:, k] + fixed[k]``."""

    factors: NDArray[np.float64]
    """Shape ``(4, frames, visemes)``, the first axis by :data:`CONTROLS`."""
    fixed: NDArray[np.float64]
    """What is there whatever the targets: lips that p, b and m hold shut. Shape ``(4, frames)``."""
    loudness: NDArray[np.float64]
    """0 to 1, shape ``(frames,)``."""

    def emphasised(self, loud_share: float) -> Design:
        """The design where opening follows the loudness of the voice; of one that does not."""
        factors = self.factors.copy()
        factors[[Mouth.OPEN, Mouth.CHIN]] *= 1 + loud_share * (self.loudness[:, None] - 0.5)
        return replace(self, factors=factors)


def design_of(speech: Speech, frames: int, fps: float) -> Design:
    """The design of a speech whose zero is the first frame, for a level voice."""
    spoken, times = scene(speech.phonemes, frames, fps, 0.0)
    share, share_of_width = shares(spoken, times, GENERAL)
    member = _members(spoken)
    emphasised = share @ (member * np.array([s.emphasis for s in spoken])[:, None])
    gate = closure(spoken, times)[:, None]
    factors = [
        _at_frames(emphasised * (1 - gate)),
        _at_frames(share_of_width @ member),
        _at_frames(emphasised),
        _at_frames(emphasised * (1 - 0.8 * gate)),
    ]
    fixed = np.zeros((len(CONTROLS), frames))
    fixed[0] = _at_frames(PRESSED_GAP * gate)[:, 0]
    loudness = loudness_of(speech, frames, fps).astype(np.float64)
    return Design(factors=np.stack(factors), fixed=fixed, loudness=loudness)


def targets_of(style: SpeakingStyle) -> NDArray[np.float64]:
    """The fitted part of a style's targets, shape ``(visemes, 4)``."""
    found = [style.target(viseme) for viseme in VISEMES]
    return np.array([[t.open, t.width, t.chin, t.up] for t in found])


def _members(spoken: list[Segment]) -> NDArray[np.float64]:
    places = {viseme: place for place, viseme in enumerate(VISEMES)}
    member = np.zeros((len(spoken), len(VISEMES)))
    member[np.arange(len(spoken)), [places[s.viseme] for s in spoken]] = 1
    return member


def _at_frames(fine: NDArray[np.float64]) -> NDArray[np.float64]:
    return smooth(fine)[::OVERSAMPLING]
