"""Whether what was told from a ground is kept; nobody is told from anything here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from avatarium.clock import ManualClock
from avatarium.engine.face.video import rematting
from avatarium.families.twin_ground import KEPT, told_from
from avatarium.storage.models import objects
from tests.running import Running, job_of, running
from tests.support.twins import MadeTwin, made_twin, started


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as made:
        yield made


def told(it: Running, twin: MadeTwin, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> Path:
    """Where what a video needs of an avatar lies, after something happened while it was made."""

    def rematted(package: Path, out: Path, **_: object) -> None:
        meanwhile()
        out.write_bytes(b"told")

    monkeypatch.setattr(rematting, "rematted", rematted)
    job = job_of(it.platform, started(it), {})
    job.scratch.mkdir(parents=True, exist_ok=True)
    return told_from(job, twin.avatar.package_key, (1, 2, 3), twin_id=twin.training_id)


def kept(it: Running, twin: MadeTwin) -> list[str]:
    """What is left of an avatar's grounds once everything has gone whose time is over."""
    it.platform.storage.expire(it.platform.clock.now_ms() + 1)
    with it.platform.database.read() as c:
        keys = c.execute(sa.select(objects.c.key).where(objects.c.task_id == twin.training_id)).scalars()
        return [key for key in keys if "/grounds/" in key]


def test_it_is_kept_for_the_next_video(it: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    twin = made_twin(it)
    assert told(it, twin, monkeypatch, lambda: None).read_bytes() == b"told"
    assert len(kept(it, twin)) == 1


def test_nothing_is_kept_of_an_avatar_that_was_removed_meanwhile(it: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    twin = made_twin(it)
    remove = {"_id": twin.training_id}
    path = told(it, twin, monkeypatch, lambda: it.post("userVideoTwin/remove", remove))
    assert path.read_bytes() == b"told" and kept(it, twin) == []


def test_of_many_grounds_those_stay_that_were_used_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ground that was ever named kept another avatar for days."""
    clock, count = ManualClock(), 0

    def rematted(package: Path, out: Path, **_: object) -> None:
        nonlocal count
        count += 1
        out.write_bytes(b"told")

    monkeypatch.setattr(rematting, "rematted", rematted)
    with running(tmp_path, clock=clock) as it:
        twin = made_twin(it)
        for red in (1, 2, 3, 1, 4, 5):
            clock.advance(60)
            job = job_of(it.platform, started(it), {})
            told_from(job, twin.avatar.package_key, (red, 0, 0), twin_id=twin.training_id)
        assert count == 5, "the first was there still"
        assert len(kept(it, twin)) == KEPT
        clock.advance(60)
        told_from(job_of(it.platform, started(it), {}), twin.avatar.package_key, (1, 0, 0), twin_id=twin.training_id)
        assert count == 5, "it was used after the second and the third"
