"""A table of stages with how many times cheaper than the baseline each is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from bench.speed.clock import Stage


def table(stages: Sequence[Stage], baseline: Stage, title: str) -> Table:
    """Stage, median and p95 in CPU milliseconds, runs, and the baseline's median over the stage's."""
    grid = Table(title=title, title_justify="left")
    for heading in ("stage", "median ms", "p95 ms", "runs", "baseline / stage"):
        grid.add_column(heading, justify="left" if heading == "stage" else "right")
    for stage in (baseline, *stages):
        ratio = baseline.median_ms / stage.median_ms if stage.median_ms else float("inf")
        grid.add_row(stage.name, f"{stage.median_ms:.2f}", f"{stage.p95_ms:.2f}", str(stage.runs), f"{ratio:.1f}")
    return grid
