"""``avatarium stage``: one process that renders live rooms."""

from __future__ import annotations

import os
from typing import Annotated, NoReturn

import typer

from avatarium.cli.serve import Supervised, _leave, _on_stop

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def stage(
    supervised: Supervised = False,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Address on which the API reaches it, in place of AVATARIUM_STAGE_HOST."),
    ] = None,
) -> NoReturn:
    """Run one stage alone, which renders live rooms; start one for each core of a machine to spare."""
    from avatarium.supervisor.leash import Leash

    leash = Leash() if supervised else None
    for name in THREADS:  # before any numeric library is loaded: a stage has one core
        os.environ.setdefault(name, "1")
    from avatarium.cli import run
    from avatarium.supervisor.processes import run_stage

    overrides: dict[str, object] = {"stage_host": host} if host is not None else {}
    _leave(run(lambda _: run_stage(leash, _on_stop, overrides), []))
