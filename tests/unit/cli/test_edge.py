"""The outer edge: whatever happens, one line and an exit code."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from avatarium.cli import BUG, INTERRUPTED, run
from avatarium.cli.quiet import native_chatter_hidden
from avatarium.errors import AvatariumError, FaceError, OutputError
from tests.unit.cli.conftest import Cli


def _raising(problem: BaseException) -> Callable[[object], object]:
    def command(arguments: object) -> object:
        raise problem

    return command


@pytest.mark.parametrize(
    ("problem", "code", "line"),
    [
        (FaceError("No face.\n  Use another.", code="no_face"), 4, "error: No face. Use another.\n"),
        (OutputError("Full.", code="output_full"), 7, "error: Full.\n"),
        (AvatariumError("Odd.", code="odd"), 1, "error: Odd.\n"),
        (KeyboardInterrupt(), INTERRUPTED, "error: interrupted; nothing was written\n"),
    ],
)
def test_errors_are_one_line(problem: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(_raising(problem), []) == code
    assert capsys.readouterr().err == line


def test_a_bug_is_one_line_and_a_traceback_only_with_debug(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(_raising(ZeroDivisionError("by zero")), []) == BUG
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "ZeroDivisionError: by zero" in err and "--debug" in err
    with pytest.raises(ZeroDivisionError):
        run(_raising(ZeroDivisionError()), ["speak", "--debug"])


def test_debug_is_taken_out_of_the_arguments() -> None:
    seen: list[object] = []
    assert run(seen.append, ["speak", "--debug", "--text", "x"]) == 0
    assert seen == [["speak", "--text", "x"]]


def test_alone_it_prints_help(cli: Cli) -> None:
    left = cli()
    assert left.code == 0 and not left.err
    assert all(name in left.out for name in ("speak", "voices", "marks", "assets", "doctor"))
    assert cli("assets").code == 0


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["speak", "--rate", "fast"], ["speak", "--nonsense"], ["assets", "x"]]
)
def test_wrong_usage_is_one_line(cli: Cli, arguments: list[str]) -> None:
    left = cli(*arguments)
    assert left.code == 2 and not left.out
    assert left.err.startswith("error: ") and left.err.count("\n") == 1


def test_version(cli: Cli) -> None:
    from avatarium import __version__

    assert cli("--version").out == f"avatarium {__version__}\n"


def test_native_chatter_is_hidden_and_the_rest_is_not(capfd: pytest.CaptureFixture[str]) -> None:
    with native_chatter_hidden():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        os.write(2, b"W0000 00:00:1795336930.531824    1007 inference_feedback_manager.cc:114] Feedback\n")
        os.write(2, b"E0000 00:00:1795336930.531824 it broke\nterminate called\n")
    os.write(2, b"INFO: after\n")
    assert capfd.readouterr().err == "E0000 00:00:1795336930.531824 it broke\nterminate called\nINFO: after\n"


def test_native_chatter_is_let_go_on_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="x"), native_chatter_hidden():
        raise ValueError("x")
    os.write(2, b"INFO: heard\n")
    assert capfd.readouterr().err == "INFO: heard\n"
