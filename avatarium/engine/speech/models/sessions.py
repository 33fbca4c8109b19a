"""How the networks of this room are run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnxruntime

_present = threading.local()


class Halt:
    """Stops the networks that a thread runs under it, from any thread: they end at their next node, with an error of
    the library's own."""

    def __init__(self) -> None:
        self._options = onnxruntime.RunOptions()

    def stop(self) -> None:
        """What runs ends soon, and what is begun after it ends at once."""
        self._options.terminate = True

    @contextmanager
    def over(self) -> Iterator[None]:
        """Networks that this thread runs meanwhile can be stopped."""
        _present.options = self._options
        try:
            yield
        finally:
            _present.options = None


class _Session(onnxruntime.InferenceSession):  # type: ignore[misc]
    def run(self, output_names: Sequence[str] | None, input_feed: dict[str, Any], run_options: Any = None) -> list[Any]:
        options = run_options or getattr(_present, "options", None)
        outputs: list[Any] = super().run(output_names, input_feed, options)
        return outputs


def open_session(model: Path | bytes, *, threads: int = 1, keeps_memory: bool = True) -> onnxruntime.InferenceSession:
    """A network on the CPU, on so many threads, which sleep when they have nothing to do.

    A session may be used from several threads at once.

    Args:
        model: its file, or what would stand in it.
        keeps_memory: between runs, which are then faster; without it a large network needs less than half.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = options.enable_mem_pattern = keeps_memory
    source = model if isinstance(model, bytes) else str(model)
    return _Session(source, options, providers=["CPUExecutionProvider"])
