"""``python -m bench.service``: every figure of the service in one run, each beside its baseline."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from avatarium.errors import AvatariumError
from bench.figures import table
from bench.installation import Service
from bench.service import answers, coins, overhead, starts, work
from bench.speed.machine import this_machine

CONSOLE = Console(width=None if sys.stdout.isatty() else 120)
PARTS = ("starts", "tasks", "answers", "coins")


def main(
    parts: Annotated[list[str] | None, typer.Argument(help=f"Some of {', '.join(PARTS)}; all without.")] = None,
    requests: Annotated[int, typer.Option(min=20, help="Requests of each kind.")] = 300,
    seconds: Annotated[float, typer.Option(min=5, help="Length of the videos that are timed.")] = 30,
    runs: Annotated[int, typer.Option(min=1, help="Videos, and five times as many speeches.")] = 2,
    submits: Annotated[int, typer.Option(min=20, help="Tasks to accept on each database.")] = 200,
) -> None:
    """Time the service beside its engine, its framework and itself at rest."""
    wanted = parts or PARTS
    if unknown := set(wanted) - set(PARTS):
        raise typer.BadParameter(f"There is no part {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    CONSOLE.print(this_machine().text)
    with TemporaryDirectory(prefix="avatarium-bench-") as folder:
        home = Path(folder) / "home"
        if "starts" in wanted:
            CONSOLE.print(table("Starting", "the second start", starts.starts(home, _note)))
        if "tasks" in wanted or "answers" in wanted:
            _serving(home, wanted, requests=requests, seconds=seconds, runs=runs)
        if "coins" in wanted:
            CONSOLE.print(table("Accepting tasks", "SQLite", coins.coins(Path(folder), submits, _note)))


def _serving(home: Path, wanted: list[str] | tuple[str, ...], *, requests: int, seconds: float, runs: int) -> None:
    with Service(home) as service:
        finished = ""
        if "tasks" in wanted:
            figures, finished = overhead.videos(service, home, seconds, runs, _note)
            figures += overhead.speech(service, 5 * runs, _note)
            figures += overhead.waits(home)
            CONSOLE.print(table("Tasks", "the engine alone", figures))
        if "answers" in wanted:
            client = service.client()
            finished = finished or str(work.watch(client, work.say(client, "Hello.")).record["_id"])
            sound = overhead.speech_of(client, 150)
            figures = answers.answers(service, sound, finished, requests, _note)
            CONSOLE.print(table("Answers", "the same, idle; or healthz", figures))


def _note(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        typer.run(main)
    except AvatariumError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
