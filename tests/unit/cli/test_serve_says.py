"""What ``serve`` says once everything runs."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from avatarium.cli.serve import _announce
from avatarium.settings import Settings
from avatarium.supervisor.service import Ready
from avatarium.supervisor.setup import SetUp


class Pieces(io.StringIO):
    """A log that remembers what arrived together."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[str] = []

    def write(self, text: str) -> int:
        self.arrived.append(text)
        return len(text)


def test_a_reader_of_the_log_who_finds_it_ready_finds_the_first_key_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = SetUp(migrated=True, installed=0, admin="admin", key="sk_once")
    log = Pieces()
    monkeypatch.setattr("sys.stdout", log)
    _announce(Ready(address="http://127.0.0.1:8000", after_s=2.5, settings=Settings(home=tmp_path), done=done))
    (first,) = [text for text in log.arrived if "is ready" in text]
    assert "sk_once" in first and "http://127.0.0.1:8000" in first
