"""What the operators' page and the examples name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup as Group

from avatarium.cli.app import app
from avatarium.database import POOL_SIZE
from avatarium.platform import MEDIA_POOL_SIZE
from avatarium.settings import Settings
from avatarium.tasks.states import State

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "operations.md"
OTHERS = {"VENV", "PYTHON"}
"""Variables of ./run, which is a shell script."""
DOCUMENTS = [PAGE, *(path for path in sorted((ROOT / "deploy").rglob("*")) if path.is_file())]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.name))
def test_every_setting_that_is_named_exists(document: Path) -> None:
    named = set(re.findall(r"AVATARIUM_([A-Z0-9_]*[A-Z0-9])", document.read_text(encoding="utf-8")))
    known = {name.upper() for name in Settings.model_fields} | OTHERS
    assert named <= known


def test_short_names_of_settings_on_the_page_exist() -> None:
    found = set(re.findall(r"`_?([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)`", PAGE.read_text(encoding="utf-8")))
    found = {name.removeprefix("AVATARIUM_") for name in found}
    assert len(found) > 15
    assert found <= {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.name))
def test_every_command_that_is_named_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    root = typer.main.get_command(app)
    assert isinstance(root, Group)
    for words in re.findall(r"(?:\./run|/opt/avatarium/run|`avatarium|-m avatarium) ([a-z]+(?: [a-z]+)?)", text):
        first, _, second = words.partition(" ")
        assert first in root.commands, words
        group = root.commands[first]
        if isinstance(group, Group) and second:
            assert second in group.commands, words


def test_the_page_watched_a_state_that_no_metric_has() -> None:
    named = re.findall(r'avatarium_tasks\{state="(\w+)"\}', PAGE.read_text(encoding="utf-8"))
    assert named
    assert set(named) <= {state.value for state in State}


def test_the_page_told_too_few_connections() -> None:
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"an API process opens {2 * POOL_SIZE} (it keeps {POOL_SIZE})" in text
    assert f"a media process {2 * MEDIA_POOL_SIZE} (it keeps {MEDIA_POOL_SIZE})" in text


def test_links_of_the_page_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https:)([^)#]+)", PAGE.read_text(encoding="utf-8"))
    assert len(links) >= 6
    assert not [link for link in links if not (PAGE.parent / link).exists()]
