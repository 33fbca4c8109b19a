"""The command line: ``avatarium speak`` and its kin for one video, ``serve`` and its kin for the service.

:func:`main` is the outer edge of the process: here every error becomes one line and an exit code.

    0    done
    1    something else went wrong, or a request was refused, or (``assets verify``, ``doctor``,
         ``reconcile``) not everything is as it should be
    2..8 see :mod:`avatarium.errors`: 2 option, 3 picture, 4 face, 5 text, 6 sound, 7 output, 8 model file
    70   a bug in Avatarium
    130  interrupted
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

from typer import Abort, Exit, TyperException

from avatarium.errors import AvatariumError

BUG, INTERRUPTED, TERMINATED = 70, 130, 143


def main() -> NoReturn:
    """Entry point of the program: run the command in ``sys.argv`` and leave with its exit code."""
    from avatarium.cli.app import app

    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, _terminated)
    if not sys.warnoptions:
        # They are for programmers: a damaged TIFF makes Pillow warn before it makes it raise.
        warnings.simplefilter("ignore")
    sys.exit(run(lambda args: app(args, prog_name="avatarium", standalone_mode=False), sys.argv[1:]))


def run(command: Callable[[Sequence[str]], object], arguments: Sequence[str]) -> int:
    """Run a command and answer with its exit code; what it raises is said in one line on standard error.

    ``--debug`` anywhere among the arguments shows the traceback of what nobody foresaw.
    """
    debug = "--debug" in arguments
    try:
        code = command([a for a in arguments if a != "--debug"])
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except AvatariumError as error:
        return _say(error.message, error.exit_code)
    except TyperException as error:
        return _say(f"{error.format_message()} See `avatarium --help`.", 2)
    except Exit as left:
        return left.exit_code
    except BrokenPipeError:
        # Whoever read our output has seen enough. Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, Abort):
        return _say("interrupted; nothing was written", INTERRUPTED)
    except Exception as bug:
        if debug:
            raise
        return _say(
            f"Avatarium has a bug ({type(bug).__name__}: {bug}). Run the command again with --debug and report it.", BUG
        )


def _say(sentence: str, code: int) -> int:
    print("error:", " ".join(sentence.split()), file=sys.stderr)
    return code


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    # Unwinds like an exception, so that nothing unfinished is left behind.
    sys.exit(TERMINATED)
