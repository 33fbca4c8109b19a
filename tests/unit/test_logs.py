"""One form for all lines, ours and those of libraries, and no secret in any."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
KEY = "sk_" + "Q" * 40


def _lines(code: str, **settings: str) -> list[str]:
    """What a process writes to standard error after its logs are set up."""
    setup = (
        "import logging, structlog; from avatarium.logs import configure_logging; "
        f"from avatarium.settings import load_settings; configure_logging(load_settings(**{settings!r}))\n"
    )
    left = subprocess.run(
        [sys.executable, "-c", setup + code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert not left.stdout
    return left.stderr.splitlines()


def _events(code: str, **settings: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _lines(code, **settings)]


def test_away_from_a_terminal_every_line_is_json() -> None:
    ours, theirs = _events(
        "structlog.get_logger().info('hello', task='t1')\nlogging.getLogger('some.library').warning('take %s', 'care')"
    )
    assert ours["event"] == "hello" and ours["task"] == "t1" and ours["level"] == "info"
    assert theirs["event"] == "take care" and theirs["logger"] == "some.library" and theirs["level"] == "warning"
    assert ours["timestamp"].endswith("Z") and theirs["timestamp"].endswith("Z")


@pytest.mark.parametrize(("level", "seen"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_levels(level: str, seen: int) -> None:
    code = "log = structlog.get_logger()\nfor name in ('debug', 'info', 'warning', 'error'): getattr(log, name)('x')"
    assert len(_events(code, log_level=level)) == seen


def test_libraries_that_talk_are_heard_from_warnings_on() -> None:
    code = "for name in ('dbos', 'alembic', 'uvicorn.error', 'sqlalchemy.engine'):\n"
    code += "    logging.getLogger(name).info('chatter'); logging.getLogger(name).error('trouble')"
    assert [event["event"] for event in _events(code)] == ["trouble"] * 4


def test_text_where_it_is_wanted() -> None:
    (line,) = _lines("structlog.get_logger().info('hello', task='t1')", log_format="text")
    assert "hello" in line and "task=t1" in line and not line.startswith("{")


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_keys_and_signatures_are_in_no_line(log_format: str) -> None:
    code = f"""
structlog.get_logger().info('made {KEY}', url='https://a.example/files/x?exp=1&sig=abcdef0123456789')
logging.getLogger('library').warning('with %s', '{KEY}')
try:
    raise ValueError('{KEY}')
except ValueError:
    structlog.get_logger().exception('bug')
"""
    text = "\n".join(_lines(code, log_format=log_format))
    assert "made" in text and "bug" in text and "ValueError" in text
    assert KEY not in text and "abcdef0123456789" not in text


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_stranger_writes_a_line_or_steers_a_terminal(form: str) -> None:
    """A path with an escape sequence in it reached the terminal of whoever looked at the log."""
    forged = "forged\x1b[2J\n2026 [error] disk\u2028\x85\ud800"
    lines = _lines(f"structlog.get_logger().info('request', path={forged!r})", log_format=form)
    assert len(lines) == 1 and lines[0].isprintable()
    assert "forged\\\\x1b[2J\\\\n2026" in lines[0] if form == "json" else "forged\\" in lines[0]
