"""Figures with their baselines and bars, and the table that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing that was measured."""

    name: str
    value: float
    unit: str = "ms"
    baseline: float | None = None
    """The same thing of what it is put beside, in the same unit."""
    bar: float | None = None
    """What the value must not exceed."""

    @property
    def ratio(self) -> float | None:
        """How many times the baseline it is; None without one."""
        return self.value / self.baseline if self.baseline else None

    @property
    def verdict(self) -> str:
        """Whether the bar is kept; empty where there is none."""
        if self.bar is None:
            return ""
        return "kept" if self.value <= self.bar else "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How long something took, many times over."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, times: Sequence[float]) -> Spread:
        """Sum up single times.

        Raises:
            ValueError: there is none.
        """
        if not times:
            raise ValueError("nothing was timed")
        p50, p95, p99 = np.percentile(times, [50, 95, 99])
        return cls(p50=float(p50), p95=float(p95), p99=float(p99))


def table(title: str, baseline: str, figures: Sequence[Figure]) -> Table:
    """Value, how many times the named baseline it is, and whether its bar is kept."""
    grid = Table(title=f"{title} (baseline: {baseline})", title_justify="left")
    for heading in ("what", "value", "unit", "x baseline", "bar", ""):
        grid.add_column(heading, justify="left" if heading in ("what", "unit", "") else "right")
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        bar = "" if figure.bar is None else f"{figure.bar:g}"
        grid.add_row(figure.name, f"{figure.value:.2f}", figure.unit, ratio, bar, figure.verdict)
    return grid
