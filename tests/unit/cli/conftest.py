"""The command line without a new process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from avatarium.cli import run
from avatarium.cli.app import app


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How a command ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Left]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command as ``main`` does and answers with its exit code and what it wrote."""

    def call(*arguments: str) -> Left:
        capfd.readouterr()
        code = run(lambda args: app(args, prog_name="avatarium", standalone_mode=False), arguments)
        out, err = capfd.readouterr()
        return Left(code=code, out=out, err=err)

    return call
