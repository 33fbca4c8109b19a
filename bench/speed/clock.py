"""CPU time of a piece of work: of the whole process, so that threads a library starts count too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """CPU time of one piece of work."""

    name: str
    median_ms: float
    p95_ms: float
    runs: int

    @classmethod
    def of(cls, name: str, times_ms: list[float]) -> Stage:
        """Sum up single measurements.

        Raises:
            ValueError: there is none.
        """
        if not times_ms:
            raise ValueError(f"stage {name!r} was never timed")
        median, p95 = np.percentile(times_ms, [50, 95])
        return cls(name=name, median_ms=float(median), p95_ms=float(p95), runs=len(times_ms))


def cpu_ms(fn: Callable[[], object], n: int, *, name: str = "", warm_up: int = 3) -> Stage:
    """Time ``n`` calls after ``warm_up`` ones that do not count (compilation, caches, first allocations)."""
    for _ in range(warm_up):
        fn()
    times = []
    for _ in range(n):
        start = time.process_time()
        fn()
        times.append((time.process_time() - start) * 1000)
    return Stage.of(name, times)


@dataclass
class StageClock:
    """Times named stages inside one piece of work: ``with clock.stage("raster"): ...``, frame after frame."""

    warm_up: int = 3
    """Measurements of each stage that do not count."""
    _times: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add one measurement to ``name``; not added where the work raises."""
        start = time.process_time()
        yield
        self._times.setdefault(name, []).append((time.process_time() - start) * 1000)

    def stages(self) -> tuple[Stage, ...]:
        """Every stage timed more often than the warm-up, in the order in which they first ran."""
        return tuple(
            Stage.of(name, times[self.warm_up :]) for name, times in self._times.items() if len(times) > self.warm_up
        )
