"""Logs: one line per event on the error stream, as text for people or JSON for machines, never with a key in it."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

from avatarium.settings import Settings

_SECRET = re.compile(
    r"\b(?:sk|lt|ct)_[\w.~+/=-]{4,}|\b007eJ[\w+/=%]{8,}|(?<=sig=)[\w%.-]+|(?<=X-Amz-Signature=)\w+", re.IGNORECASE
)
_MASK = "[hidden]"
_LONG = frozenset({"exception", "stack"})
_QUIET = (
    "uvicorn", "uvicorn.error", "uvicorn.access", "httpx", "httpcore", "asyncio", "urllib3", "sqlalchemy.engine",
    "alembic", "dbos",
)  # fmt: skip


def configure_logging(settings: Settings) -> None:
    """Set up the logs of this process, those of libraries with them. Call once, at the start."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    level = getattr(logging, settings.log_level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
        escape_controls,
    ]
    render = _renderer(as_json)
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _adopt_libraries(shared, render, level)


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Take keys, tokens and signatures out of all texts of an event."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _SECRET.sub(_MASK, value)
    return event


def escape_controls(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Write what steers a terminal or begins a line, as a stranger's path may hold, in escapes; tracebacks stay."""
    for name, value in event.items():
        if name not in _LONG and isinstance(value, str) and not value.isprintable():
            event[name] = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
    return event


def _renderer(as_json: bool) -> Processor:
    if as_json:
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    # The usual tracebacks of structlog print local variables, keys of callers among them.
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


def _adopt_libraries(shared: list[Processor], render: Processor, level: int) -> None:
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared], processors=[meta, render]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
