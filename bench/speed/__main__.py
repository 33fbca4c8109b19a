"""``python -m bench.speed``: the baseline and every workload, in one run on one machine."""

from __future__ import annotations

import sys
from typing import Annotated

import cv2
import typer
from rich.console import Console

from avatarium.errors import AvatariumError
from bench.speed.baseline import build, frame_maker
from bench.speed.clock import Stage, cpu_ms
from bench.speed.machine import this_machine
from bench.speed.report import table
from bench.speed.workloads import WORKLOADS

CONSOLE = Console(width=None if sys.stdout.isatty() else 120)


def main(runs: Annotated[int, typer.Option(min=5, help="Frames to time in each workload.")] = 100) -> None:
    """Time the product beside its baseline, in CPU milliseconds a frame on one thread."""
    cv2.setNumThreads(1)
    machine = this_machine()
    CONSOLE.print(machine.text)
    generator = build()
    CONSOLE.print(
        f"baseline: Wav2Lip generator, {generator.parameters / 1e6:.1f} M, {generator.products / 1e9:.2f} GMAC"
    )
    baseline = cpu_ms(frame_maker(generator), max(5, runs // 4), name="baseline frame, 96x96")
    stages: list[Stage] = []
    for workload in WORKLOADS:
        stages.extend(workload.run(runs))
    CONSOLE.print(table(stages, baseline, "CPU time a frame, one thread"))


if __name__ == "__main__":
    try:
        typer.run(main)
    except AvatariumError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
