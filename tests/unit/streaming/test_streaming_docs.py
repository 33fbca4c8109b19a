"""The words of ``docs/streaming.md`` about live rooms, against what stands in the code."""

from __future__ import annotations

import re
from pathlib import Path

from avatarium.api.routes.streaming import Booking, Utterance
from avatarium.engine.live import Gesture
from avatarium.settings import Settings
from avatarium.streaming.booking import EMOTIONS, SHAPES

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "streaming.md").read_text(encoding="utf-8")
PAGES = [ROOT / "docs" / name for name in ("streaming.md", "operations.md", "engines.md", "migrating-from-a2e.md")]


def between(start: str, end: str) -> str:
    """A part of the page."""
    return TEXT[TEXT.index(start) : TEXT.index(end)]


def first_cells(part: str) -> set[str]:
    """The names in the first column of a table."""
    cells = re.findall(r"^\| (`.+?) \|", part, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_every_type_of_event_that_rooms_tell_is_in_the_table_and_no_other() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "avatarium" / "streaming" / "stage").glob("*.py")]
    calls = re.findall(r"emit\(\s*(\"[^)]*?\"[^,)]*|name)[,)]", "\n".join(sources))
    emitted = {name for call in calls for name in re.findall(r"\"(\w+)\"", call)} | {"word", "viseme"}
    assert len(emitted) > 14
    table = first_cells(between("### Events", "### Captions"))
    assert emitted == table - {"type"}


def test_every_field_of_a_booking_and_of_an_utterance_is_told() -> None:
    assert first_cells(between("## Rooms and money", "**Money.**")) == set(Booking.model_fields)
    told = first_cells(between("## What it says", "**Interrupting.**"))
    assert told == set(Utterance.model_fields) - {"channel", "command_id"}


def test_every_choice_is_named() -> None:
    for name in (*EMOTIONS, *SHAPES, *(gesture.value for gesture in Gesture)):
        assert f"`{name}`" in TEXT, name


def test_every_setting_that_is_named_exists() -> None:
    for page in PAGES:
        for name in re.findall(r"\bAVATARIUM_([A-Z0-9_]+)\b", page.read_text(encoding="utf-8")):
            assert name.lower() in Settings.model_fields or name in ("VENV", "PYTHON"), f"{page.name}: {name}"


def test_every_reason_that_is_named_exists() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "avatarium").rglob("*.py"))
    table = between("### Errors", "### Limits")
    named = {
        name
        for line in re.findall(r"^\| \d+ \| (.+?) \|", table, re.MULTILINE)
        for name in re.findall(r"`([a-z_]+)`", line)
    }
    assert len(named) > 30
    for name in named:
        assert f'"{name}"' in sources or name == "bad_gesture", name
