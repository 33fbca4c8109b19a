"""How soon the service is ready, what that costs, and the memory of its processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil

from bench.figures import Figure
from bench.installation import Service

READY_BAR_S = 10.0
SETTLE_S = 15.0
"""In which media processes have loaded their libraries."""
MB = 1 << 20


def starts(home: Path, note: Callable[[str], None]) -> list[Figure]:
    """A first start in an empty folder, and a second one."""
    note("first and second start")
    with Service(home) as first:
        first_cpu_s = first.cpu_s()
    with Service(home) as second:
        second_cpu_s = second.cpu_s()
        time.sleep(SETTLE_S)
        memory = memory_of(second)
    return [
        Figure(name="ready, first start", value=first.ready_s, unit="s", baseline=second.ready_s, bar=READY_BAR_S),
        Figure(name="CPU until then", value=first_cpu_s, unit="s", baseline=second_cpu_s),
        Figure(name="ready, second start", value=second.ready_s, unit="s", bar=READY_BAR_S),
        Figure(name="CPU until then", value=second_cpu_s, unit="s"),
        *memory,
    ]


def memory_of(service: Service) -> list[Figure]:
    """Each process: its own and its share of what it shares (PSS), beside all that it maps (RSS)."""
    figures = []
    for kind, processes in service.processes().items():
        for number, process in enumerate(processes, 1):
            pss, rss = _sizes(process)
            figures.append(Figure(name=f"{kind} {number}, PSS / RSS", value=pss, unit="MB", baseline=rss))
    total = sum(figure.value for figure in figures)
    return [*figures, Figure(name="all processes, PSS", value=total, unit="MB")]


def _sizes(process: psutil.Process) -> tuple[float, float]:
    try:
        memory = process.memory_full_info()
    except psutil.NoSuchProcess:
        return 0.0, 0.0
    return getattr(memory, "pss", memory.uss) / MB, memory.rss / MB
