"""Backups while the service runs."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from avatarium import migrations
from avatarium.clock import Clock
from avatarium.database import Database
from avatarium.settings import Settings, load_settings
from avatarium.supervisor.backup import back_up


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation with files in every folder."""
    made = load_settings(home=tmp_path / "home")
    database = Database.open(made.database)
    migrations.upgrade(database)
    database.close()
    for name in ("objects/a/kept", "objects/b/gone", "objects/c/kept", "incoming/x/got", "scratch/t/s", "executors/e"):
        path = made.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"bytes")
    return made


def names_in(path: Path) -> set[str]:
    with tarfile.open(path) as tar:
        return set(tar.getnames())


def test_working_folders_were_in_backups(settings: Settings, tmp_path: Path) -> None:
    back_up(settings, tmp_path / "out.tar", Clock())
    files = {"objects/a/kept", "objects/b/gone", "objects/c/kept"}
    assert names_in(tmp_path / "out.tar") == {"backup.json", "avatarium.db", *files}


def test_a_folder_that_vanished_broke_the_backup(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes after its name was read and before it is looked into."""
    objects, real = settings.home / "objects", os.scandir

    def vanishing(path: Any) -> Any:
        if path in (objects / "b", str(objects / "b")):
            shutil.rmtree(objects / "b", ignore_errors=True)
        return real(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    back_up(settings, tmp_path / "out.tar", Clock())
    assert not (objects / "b").exists()
    assert {name for name in names_in(tmp_path / "out.tar") if name.startswith("objects")} == {
        "objects/a/kept",
        "objects/c/kept",
    }
