"""What lips do while nothing is said: the person's own mouth at rest goes on, breathes, and swallows now and then.

Everything is a function of the scene's time, of the mouths that come, and of the bank, so that a file and a live room
show the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.life import BREATH_HZ, noise
from avatarium.engine.face.pose import Floats, Mouth, Pose
from avatarium.engine.face.video.bank import Bank
from avatarium.engine.face.video.tracking import stretches

AT_REST = 0.005
"""Of any control (IOD): less is a mouth that says nothing."""
WAIT_FRAMES, RISE_FRAMES, FALL_FRAMES = 8, 12, 8
"""After speech, until all of it shows, and before speech: lips are where words want them when they come."""
SILENT = 0.5
"""Share of this life from which on the bank's mouths at rest are shown too."""
REST_OPEN, REST_AWAY = 0.008, 0.025
"""Opening, and distance of the other controls from the usual rest, of the bank's mouths at rest (IOD)."""
SHORTEST_RUN, TRIMMED = 12, 3
"""Frames of a run, and those at its ends in which lips part or have just met: they show a dark line."""
BREATH, DRIFT_WIDTH, DRIFT_UP = 0.0030, 0.0035, 0.0012
"""How far the chin goes along with the breath, corners and upper lip wander (IOD)."""
SWALLOW_EVERY_S, SWALLOW_S = 24.0, 0.8
SWALLOW = np.array([-0.010, -0.006, -0.009, 0.003, 0.0, 0.0], np.float32)
"""Lips press, corners draw in, the chin rises (IOD)."""
OWN_MOST = 0.010
"""How far the mouth of a run may move from that run's mean (IOD)."""
_TURN_BY = 0.08
_BETTER = 1.5
"""By how much another run's turn of the head must be the nearer one to be gone to, in usual turns."""
_FOLLOWED = 0.3
_SEED = 7


class Idling:
    """The life of one view's lips. For one thread; poses come in their order."""

    def __init__(self, bank: Bank, fps: float) -> None:
        self._fps = fps
        self._runs = _rests(bank)
        self._bank = bank
        self._own = np.zeros(len(Mouth), np.float32)
        self._walk: _Walk | None = None
        self._quiet = 0

    def begin(self) -> None:
        """What comes does not follow what was shown."""
        self._quiet, self._walk = 0, None

    def share(self, pose: Pose) -> float:
        """How much of this life shows with the next pose: 0 near speech, 1 in silence."""
        self._quiet = self._quiet + 1 if _at_rest(pose.mouth[None])[0] else 0
        speaks = np.flatnonzero(~_at_rest(pose.coming))
        ahead = int(speaks[0]) if len(speaks) else WAIT_FRAMES + FALL_FRAMES
        since = (self._quiet - WAIT_FRAMES) / RISE_FRAMES
        share = float(np.clip(min(since, ahead / FALL_FRAMES), 0.0, 1.0))
        if share < SILENT:
            self._walk = None
        return share

    def row(self, share: float, turn: Floats) -> int | None:
        """The bank's mouth to show in the next frame of silence, by the head's turn; None where it holds none."""
        if not self._runs or share < SILENT:
            return None
        if self._walk is None:
            self._walk = _Walk(run=self._nearest(turn))
        elif self._walk.ends():
            nearest = self._nearest(turn)
            if self._away(self._walk.run, turn) - self._away(nearest, turn) > _BETTER:
                self._walk = _Walk(run=nearest)
        row = self._walk.next()
        own = np.clip(self._bank.controls[row] - self._walk.run.mean, -OWN_MOST, OWN_MOST)
        own[Mouth.OPEN] = 0
        self._own += _FOLLOWED * (own - self._own)
        return row

    def movement(self, tick: int) -> Floats:
        """What is added to a resting mouth, controls by :class:`Mouth`."""
        time_s = np.array([tick / self._fps])
        moved = self._own.copy()
        moved[Mouth.CHIN] += BREATH * np.sin(2 * np.pi * BREATH_HZ * time_s[0])
        moved[Mouth.WIDTH] += DRIFT_WIDTH * float(noise(time_s, 0.3, _SEED, 60)[0])
        moved[Mouth.UP] += DRIFT_UP * float(noise(time_s, 0.25, _SEED, 61)[0])
        return np.asarray(moved + SWALLOW * _swallow(float(time_s[0])), np.float32)

    def _nearest(self, turn: Floats) -> _Run:
        return min(self._runs, key=lambda run: self._away(run, turn))

    def _away(self, run: _Run, turn: Floats) -> float:
        return float(np.abs(run.turn - turn).max() / _TURN_BY)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """Frames of the clip that follow each other, the mouth at rest; rows of the bank."""

    first: int
    end: int
    mean: Floats
    turn: Floats


@dataclass(slots=True)
class _Walk:
    """To and fro over one run: what hardly moves has no direction."""

    run: _Run
    at: int = -1
    step: int = 1

    def ends(self) -> bool:
        return self.at + self.step in (-1, self.run.end - self.run.first)

    def next(self) -> int:
        if self.ends():
            self.step = -self.step if self.at >= 0 else 1
        self.at += self.step
        return self.run.first + self.at


def _rests(bank: Bank) -> tuple[_Run, ...]:
    """The bank's runs of a mouth at rest."""
    if not len(bank):
        return ()
    shut = bank.controls[:, Mouth.OPEN] < REST_OPEN
    others = bank.controls[:, [Mouth.WIDTH, Mouth.CHIN, Mouth.UP]]
    usual = np.median(others[shut], axis=0) if shut.any() else np.zeros(3)
    rest = shut & (np.abs(others - usual).max(1) < REST_AWAY)
    follows = np.concatenate([[True], np.diff(bank.frames) == 1])
    found = []
    for first, end in stretches(rest):
        breaks = [first, *(first + 1 + np.flatnonzero(~follows[first + 1 : end])).tolist(), end]
        for a, b in zip(breaks[:-1], breaks[1:], strict=True):
            a, b = a + TRIMMED, b - TRIMMED
            if b - a >= SHORTEST_RUN:
                mean, turn = bank.controls[a:b].mean(0), bank.pose[a:b].mean(0)
                found.append(_Run(first=a, end=b, mean=mean, turn=turn))
    return tuple(found)


def _at_rest(mouths: Floats) -> NDArray[np.bool_]:
    return np.asarray((np.abs(mouths) < AT_REST).all(1))


def _swallow(time_s: float) -> float:
    """0 to 1 and back once in a while, at moments that are fixed."""
    number = int(time_s // SWALLOW_EVERY_S)
    late = 0.3 + 0.5 * float(np.clip(0.5 + 0.25 * noise(np.array([float(number)]), 0.5, _SEED, 62)[0], 0, 1))
    since = time_s - (number + late) * SWALLOW_EVERY_S
    return float(np.sin(np.pi * since / SWALLOW_S) ** 2) if 0 < since < SWALLOW_S else 0.0
