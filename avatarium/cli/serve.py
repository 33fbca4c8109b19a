"""``avatarium serve``, and the processes that it is made of: ``api`` and ``worker``."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from avatarium import __version__

if TYPE_CHECKING:
    from avatarium.supervisor.service import Ready

KILLED = 130
Supervised = Annotated[bool, typer.Option(hidden=True, help="Started by `serve`, over a pipe.")]
Descriptor = Annotated[int | None, typer.Option(hidden=True, help="A socket that listens already.")]
Host = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address to listen on, in place of the setting.")]
Port = Annotated[int | None, typer.Option(metavar="N", help="Port of the API; 0 takes any that is free.")]


def serve(
    host: Host = None,
    port: Port = None,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Worker processes, in place of the setting.")] = None,
) -> int:
    """Run the whole service: the API and its workers, set up anew or brought up to date first.

    Settings come from the environment and from config.toml in the data folder; `avatarium settings` lists them.
    """
    from avatarium.clock import Clock
    from avatarium.logs import configure_logging
    from avatarium.settings import load_settings
    from avatarium.supervisor.service import Supervisor

    given = {"host": host, "port": port, "workers": workers}
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    configure_logging(settings)
    ended_well = Supervisor(settings, Clock(), _announce).run()
    return 0 if ended_well else KILLED


def api(
    host: Host = None, port: Port = None, descriptor: Descriptor = None, supervised: Supervised = False
) -> NoReturn:
    """Run one API process alone, for set-ups where workers run elsewhere."""
    from avatarium.supervisor.leash import Leash

    leash = Leash() if supervised else None
    from avatarium.supervisor.processes import run_api

    given = {"host": host, "port": port}
    _leave(run_api(leash, descriptor, {name: value for name, value in given.items() if value is not None}))


def worker(supervised: Supervised = False) -> NoReturn:
    """Run one worker alone; start as many as the machine has cores to spare."""
    from avatarium.supervisor.leash import Leash

    leash = Leash() if supervised else None
    from avatarium.cli import run
    from avatarium.supervisor.processes import run_worker

    # What it raises is said, too, before the process ends: threads that wait for ever would keep it otherwise.
    _leave(run(lambda _: run_worker(leash, _on_stop), []))


def _on_stop(stop: Callable[[], None]) -> None:
    """Call ``stop`` at a signal, from a thread: the main thread may hold the very lock that it needs."""

    def handle(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=stop, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


def _leave(code: int) -> NoReturn:
    """End now: threads of libraries that still wait for something must not keep the process alive."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _announce(ready: Ready) -> None:
    from rich.console import Console

    program = os.environ.get("AVATARIUM_COMMAND", "avatarium")
    rows = [
        ("Address", f"[bold]{ready.address}[/]"),
        ("Documentation", f"{ready.address}/docs"),
        ("Data folder", str(ready.settings.home)),
    ]
    if ready.done.key:
        rows.append((f"Key of {ready.done.admin}", f"[bold]{ready.done.key}[/]"))
        rows.append(("", f"It is shown this once. `{program} token create` makes another."))
    else:
        rows.append(("A key", f"{program} token create"))
    lines = [
        f"\n[bold green]Avatarium {__version__} is ready[/] after {ready.after_s:.1f} s.\n",
        *(f"  {name:14} {value}" for name, value in rows),
        "\nCtrl-C stops it: what is being worked on goes on at the next start.\n",
    ]
    # In one piece: whoever waits for the first line in a log finds the key with it, and no other line in between.
    Console(highlight=False, soft_wrap=True).print("\n".join(lines))
    sys.stdout.flush()
