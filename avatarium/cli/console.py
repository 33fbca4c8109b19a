"""What the program shows while it works: on standard error, and only where somebody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from avatarium.engine.assets import Progress as AssetProgress
    from avatarium.engine.assets import Step
    from avatarium.engine.script import Progress as VideoProgress


def stderr() -> Console:
    """Standard error as it is now."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def note(sentence: str) -> None:
    """Say what the user may not expect."""
    print("note:", sentence, file=sys.stderr)


@contextmanager
def video_progress() -> Iterator[VideoProgress]:
    """A bar of the video made so far, with the time that is left."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} s", justify="right"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    console = stderr()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("speaking", total=1.0)

        def show(done_s: float, expected_s: float) -> None:
            bar.update(task, completed=done_s, total=max(expected_s, 1.0))

        yield show


@contextmanager
def asset_progress() -> Iterator[AssetProgress]:
    """A bar for each step of each asset."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

    console = stderr()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[tuple[str, Step], TaskID] = {}

        def show(asset: str, step: Step, done: int, total: int) -> None:
            key = asset, step
            if key not in tasks:
                tasks[key] = bar.add_task(f"{step} {asset}", total=None)
            bar.update(tasks[key], completed=done, total=total or None)

        yield show
