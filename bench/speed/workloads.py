"""What of the product is timed: each workload returns its stages, so a renderer can report every step of a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.speed.clock import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One piece of the product under the clock."""

    name: str
    run: Callable[[int], tuple[Stage, ...]]
    """Takes the number of frames to time, returns one ``Stage`` for each step and one for the whole frame."""


WORKLOADS: tuple[Workload, ...] = ()
