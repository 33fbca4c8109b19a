"""The half of a style that moves: which ready voice speaks most as the person does, brought to the person's pitch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.speech.cloning.learning import STYLE_SIZE
from avatarium.engine.speech.cloning.speaking import Plan, Planner
from avatarium.engine.speech.cloning.stock import middle, stock

Array = NDArray[np.float32]

_PITCH_COST, _RANGE_COST, _SPEED_COST = 0.12, 0.15, 2.0
"""Of a semitone of pitch, a semitone of range, and a doubling of speed."""
_MOST_SEMITONES = 5.0
"""How far a voice's pitch is moved; beyond it speaks unlike any of those that it was learnt from."""
_STEPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How somebody speaks."""

    semitones: float
    """Middle of the pitch, above 1 Hz."""
    range: float
    """Between the tenth and the ninetieth of a hundred moments, in semitones."""
    speed: float
    """Binary logarithm of signs a second."""


def manner(voiced_hz: Array, signs: int, seconds: float) -> Manner:
    """Of a recording or a plan."""
    tones = 12 * np.log2(np.maximum(voiced_hz, 1.0)) if len(voiced_hz) else np.zeros(1)
    low, middling, high = np.percentile(tones, [10, 50, 90])
    return Manner(semitones=float(middling), range=float(high - low), speed=float(np.log2(max(signs, 1) / seconds)))


def moving_like(wanted: Manner, planner: Planner, phrases: Sequence[str], candidates: Sequence[str]) -> Array:
    """A table whose second half, ``(510, 128)``, moves as somebody does.

    Args:
        phrases: signs of what the planner is asked to say.
        candidates: ready voices.
    """
    manners = {name: _manner(planner, phrases, middle(stock().table(name))) for name in candidates}
    best = min(candidates, key=lambda name: _apart(manners[name], wanted))
    table = stock().table(best)[:, STYLE_SIZE:].copy()
    way = _pitchwards({name: found.semitones for name, found in manners.items()})
    timbre = middle(stock().table(best))[:STYLE_SIZE]
    at = manners[best].semitones
    goal = float(np.clip(wanted.semitones, at - _MOST_SEMITONES, at + _MOST_SEMITONES))
    moved = np.zeros(len(way), np.float32)
    for _ in range(_STEPS):
        tried = (moved + (goal - at) * way).astype(np.float32)
        reached = _manner(planner, phrases, np.concatenate([timbre, middle_of(table) + tried])).semitones
        if abs(reached - goal) >= abs(at - goal):
            break
        moved, at = tried, reached
    return np.asarray(table + moved, np.float32)


def middle_of(table: Array) -> Array:
    """As :func:`stock.middle`, of half a table."""
    return middle(table)


def _manner(planner: Planner, phrases: Sequence[str], style: Array) -> Manner:
    plans = [planner.plan(signs, style.astype(np.float32)) for signs in phrases]
    seconds = sum(_seconds(plan) for plan in plans)
    return manner(np.concatenate([plan.voiced_hz() for plan in plans]), sum(map(len, phrases)), seconds)


def _seconds(plan: Plan) -> float:
    return float(plan.durations[1:-1].sum()) * 0.025


def _apart(one: Manner, other: Manner) -> float:
    return (
        _PITCH_COST * abs(one.semitones - other.semitones)
        + _RANGE_COST * abs(one.range - other.range)
        + _SPEED_COST * abs(one.speed - other.speed)
    )


def _pitchwards(semitones: dict[str, float]) -> Array:
    """The change of style that raises the pitch by a semitone: one step of partial least squares over ready voices."""
    styles = np.stack([middle(stock().table(name))[STYLE_SIZE:] for name in semitones])
    styles = styles - styles.mean(axis=0)
    tones = np.array(list(semitones.values()))
    tones = tones - tones.mean()
    way = tones @ styles
    scores = styles @ way
    raised = float(scores @ tones) / max(float(scores @ scores), 1e-9) * float(way @ way)
    return np.asarray(way / max(raised, 1e-6), np.float32)
