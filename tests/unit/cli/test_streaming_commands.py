"""The commands about live rooms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from avatarium.catalogue.shipped import shipped_avatars
from avatarium.platform import Platform
from avatarium.settings import Settings
from avatarium.streaming.booking import BookRequest
from avatarium.streaming.models import Room
from tests.support.stage import StageDouble, stages
from tests.unit.cli.conftest import Cli


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> Iterator[tuple[Platform, StageDouble]]:
    """An installation in which a stage is alive."""
    folder = tmp_path / "home"
    monkeypatch.setattr("avatarium.logs.configure_logging", lambda settings: None)
    monkeypatch.setenv("AVATARIUM_HOME", str(folder))
    assert cli("user", "add", "Ada", "--coins", "100").code == 0
    platform = Platform.open(Settings(home=folder))
    with stages(platform) as (stage,):
        yield platform, stage
    platform.close()


def book(platform: Platform) -> Room:
    owner = platform.accounts.find_user("Ada").id
    return platform.rooms.book(owner, BookRequest(avatar_id=shipped_avatars()[0].id, expire_s=60)).room


def test_rooms_and_stages_are_listed(cli: Cli, here: tuple[Platform, StageDouble]) -> None:
    platform, stage = here
    assert len(cli("rooms", "list").out.splitlines()) == 1
    room = book(platform)
    line = cli("rooms", "list").out.splitlines()[1].split()
    assert line[:3] == [room.channel, "Ada", "booked"] and line[-2:] == ["12", stage.id]
    platform.rooms.note_joined(room.id)
    assert cli("rooms", "list").out.splitlines()[1].split()[2] == "live"
    platform.rooms.note_lost(room.id)
    assert cli("rooms", "list").out.splitlines()[1].split()[2] == "lost"
    listed = cli("rooms", "stages").out.splitlines()[1].split()
    assert listed[0] == stage.id and listed[2] == stage.address and listed[-1] == "works"


def test_rooms_are_ended_by_name_or_all(cli: Cli, here: tuple[Platform, StageDouble]) -> None:
    platform, _ = here
    first, _, _ = book(platform), book(platform), book(platform)
    left = cli("rooms", "end", first.channel.upper())
    assert left.code == 0 and left.out.startswith(first.channel) and "all 12 coins were given back" in left.out
    again = cli("rooms", "end", first.channel)
    assert again.code == 0 and again.out == left.out
    assert len(cli("rooms", "end", "--all").out.splitlines()) == 2
    assert not platform.rooms.open_rooms()
    with platform.database.read() as c:
        from avatarium.accounts import ledger

        assert ledger.balance(c, first.owner)[0] == 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((), "Name the channels"), (("abcde", "--all"), "Name the channels"), (("nope",), "no room nope")],
)
def test_what_cannot_be_ended(
    cli: Cli, here: tuple[Platform, StageDouble], arguments: tuple[str, ...], words: str
) -> None:
    left = cli("rooms", "end", *arguments)
    assert left.code == 1 and words in left.err and left.err.count("\n") == 1


def test_a_room_is_ended_though_its_stage_is_dead(cli: Cli, here: tuple[Platform, StageDouble]) -> None:
    platform, stage = here
    room = book(platform)
    stage.stop()
    assert "An operator ended the room" in cli("rooms", "end", room.channel).out
