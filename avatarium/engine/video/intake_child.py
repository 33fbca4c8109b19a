"""The process in which a stranger's clip is opened: reads an order from its input, answers in lines of JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import traceback
from typing import Any

from avatarium.engine.video.intake import LIMIT_S, Order, clip_to_json
from avatarium.errors import AvatariumError, InputError

MEMORY_BYTES = 4 << 30
FILE_BYTES = 2 << 30
"""Of one file: a minute of noise at 1080p is a quarter of it."""


def _bound() -> None:
    """Bounds that hold whatever a file does to the libraries."""
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, 2 * round(LIMIT_S)),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (limit, limit))


def _end_with_parent() -> None:
    """Read on until the parent closes the pipe, by word or by dying."""
    sys.stdin.read()
    os._exit(1)


def _say(words: dict[str, Any]) -> None:
    print(json.dumps(words), flush=True)


def _obeyed(order: Order) -> dict[str, Any]:
    import av

    try:
        from avatarium.engine.video.intake_making import make_clip

        return {"clip": clip_to_json(make_clip(order, lambda share: _say({"share": share})))}
    except MemoryError:
        error: AvatariumError = InputError(
            f"{order.called} is too large to unpack. Make it smaller (1080p is enough) and send it again.",
            code="video_too_large",
        )
    except av.FFmpegError:
        traceback.print_exc()
        error = InputError(
            f"{order.called} is damaged in a way that cannot be worked round. Save it again as MP4.",
            code="video_unreadable",
        )
    except AvatariumError as problem:
        error = problem
    return {"error": error.message, "code": error.code, "kind": type(error).__name__}


def main() -> None:
    """Obey one order."""
    _bound()
    order = Order(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _say(_obeyed(order))


if __name__ == "__main__":
    main()
