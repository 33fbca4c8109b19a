"""``python -m bench.live``: every figure of live rooms in one run, as a browser sees them."""

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
from bench.live import churn, clocks, density, flash, server, steady, talk, voices
from bench.live.browser import chromium
from bench.live.rooms import wait_for_stages
from bench.speed.machine import this_machine

CONSOLE = Console(width=None if sys.stdout.isatty() else 130)
PARTS = ("starts", "talk", "server", "flash", "steady", "clocks", "voices", "density", "churn")


def main(
    parts: Annotated[list[str] | None, typer.Argument(help=f"Some of {', '.join(PARTS)}; all without.")] = None,
    trials: Annotated[int, typer.Option(min=3, help="Of each thing that is timed.")] = 20,
    minutes: Annotated[float, typer.Option(min=0.5, help="How long `steady` and `clocks` watch a room.")] = 10,
    rooms: Annotated[int, typer.Option(min=4, help="Rooms that are opened and dropped.")] = 100,
) -> None:
    """Measure rooms in headless Chromium by its own clocks and statistics, and at the server's door."""
    wanted = parts or PARTS
    if unknown := set(wanted) - set(PARTS):
        raise typer.BadParameter(f"There is no part {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    CONSOLE.print(this_machine().text)
    if "flash" in wanted:
        with chromium() as meter:
            CONSOLE.print(table("Click and flash", "one frame", flash.flashes(meter, _note)))
    if "density" in wanted:
        # Every place is given away, to find out what the machine holds rather than what is promised.
        with (
            TemporaryDirectory(prefix="avatarium-bench-") as folder,
            Service(Path(folder) / "home", LIVE_SHARE=1) as all_in,
        ):
            wait_for_stages(all_in)
            CONSOLE.print(table("Many rooms", "one speaking room", density.density(all_in, _note)))
    if set(wanted) - {"flash", "density"}:
        with TemporaryDirectory(prefix="avatarium-bench-") as folder, Service(Path(folder) / "home") as service:
            _serving(service, wanted, trials, minutes, rooms)


def _serving(service: Service, wanted: list[str] | tuple[str, ...], trials: int, minutes: float, rooms: int) -> None:
    _note("waiting for the stages")
    wait_for_stages(service)
    client = service.client()
    if {"starts", "talk", "steady"} & set(wanted):
        with chromium() as meter:
            if "starts" in wanted:
                CONSOLE.print(table("Joining", "the offer's answer", talk.starts(client, meter, trials, _note)))
            if "talk" in wanted:
                CONSOLE.print(table("Talking", "the call's own answer", talk.talk(client, meter, trials, _note)))
            if "steady" in wanted:
                CONSOLE.print(table("A while", "25 frames a second", steady.steady(client, meter, minutes * 60, _note)))
    if "clocks" in wanted:
        CONSOLE.print(table("Clocks", "none", clocks.clocks(client, minutes * 60, _note)))
    if "server" in wanted:
        figures = server.interrupts(client, trials, _note)
        CONSOLE.print(table("At the server's door", "the call's own answer", figures))
    if "voices" in wanted:
        CONSOLE.print(table("Voices that are not live", "the median", voices.voices(client, trials // 2, _note)))
    if "churn" in wanted:
        CONSOLE.print(table("Opened and dropped", "before", churn.churn(service, rooms, _note)))


def _note(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        typer.run(main)
    except AvatariumError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
