"""Films of people are not left lying about: not by views that end, not by processes that were killed."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any, cast

import pytest

from avatarium.engine import filmed, introduction
from avatarium.engine.face.video.actor import VideoActor, _sweep
from avatarium.engine.options import SpeakOptions
from avatarium.errors import PictureError


class Closing:
    """Stands for a view, or an actor, of which only the end counts."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_previews_left_their_view_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    view = Closing()

    def broken(*given: object, **named: object) -> None:
        raise PictureError("It breaks on the way.", code="broken")

    monkeypatch.setattr(introduction, "prepare_view", lambda avatar, options: view)
    monkeypatch.setattr(
        introduction, "choose_voice", lambda avatar, options: cast(Any, type("V", (), {"language": "en"}))
    )
    monkeypatch.setattr(introduction, "script_of_text", lambda text, avatar, options: None)
    monkeypatch.setattr(introduction, "perform", lambda *given, **named: None)
    introduction.preview("ava", tmp_path / "out.mp4")
    assert view.closed == 1
    monkeypatch.setattr(introduction, "perform", broken)
    with pytest.raises(PictureError):
        introduction.preview("ava", tmp_path / "out.mp4")
    assert view.closed == 2


def test_a_twin_that_cannot_be_laid_out_was_left_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*given: object, **named: object) -> None:
        raise PictureError("This avatar has no person.", code="person_not_found")

    monkeypatch.setattr(filmed, "_laid_out", refused)
    lent, own = Closing(), Closing()
    for actor, owned in ((lent, False), (own, True)):
        with pytest.raises(PictureError):
            filmed.filmed_view(cast(VideoActor, actor), SpeakOptions(), owned=owned)
    assert (lent.closed, own.closed) == (0, 1)


def test_what_killed_processes_had_unpacked_stayed_for_ever(tmp_path: Path) -> None:
    for name in ("twin-left", "twin-used", "twin-new", "twin-strange"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "base.mp4").write_bytes(b"somebody")
    for name in ("twin-left", "twin-used", "twin-new"):
        (tmp_path / name / ".held").touch()
    for name in ("twin-left", "twin-used"):
        os.utime(tmp_path / name / ".held", (0, 0))
    with (tmp_path / "twin-used" / ".held").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        _sweep(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["twin-new", "twin-strange", "twin-used"]
    _sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["twin-new", "twin-strange"]


def test_a_preparation_that_was_killed_left_its_films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filmed, "default_home", lambda: tmp_path)
    left = tmp_path / "twins" / "making-abc"
    left.mkdir(parents=True)
    (left / "clip.mp4").write_bytes(b"somebody")
    monkeypatch.setattr(filmed, "_make", lambda path, out, face, *, matte, note: out.write_bytes(b"made"))
    clip = tmp_path / "me.mp4"
    clip.write_bytes(b"film")
    made = filmed.twin_of_clip(clip, 1, matte=False, note=lambda sentence: None)
    assert made.read_bytes() == b"made" and not left.exists()
