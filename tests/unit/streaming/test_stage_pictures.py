"""Views of avatars, made once for all rooms that show the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from avatarium.errors import NotFoundError
from avatarium.streaming.stage.pictures import KEPT, Look, Looks
from avatarium.streaming.stage.pools import Pools
from avatarium.streaming.wire import RoomVoice
from tests.support.live_rooms import FlatFace, in_loop, spec_of


class CountedLooks(Looks):
    """Makes faces that cost nothing, and notes which."""

    def __init__(self, pools: Pools, tmp_path: Path) -> None:
        super().__init__(None, pools, tmp_path, None)  # type: ignore[arg-type]
        self.made: list[Look] = []
        self.trouble: Exception | None = None

    def _made(self, look: Look, style: object = None) -> Any:
        self.made.append(look)
        if self.trouble is not None:
            raise self.trouble
        return FlatFace()


def look(number: int = 0) -> Look:
    return Look(source="", picture_key=f"k{number}", resolution=512)


@in_loop
async def test_rooms_that_show_the_same_share_a_view(tmp_path: Path) -> None:
    pools = Pools.open()
    looks = CountedLooks(pools, tmp_path)
    views = await asyncio.gather(*(looks.view(look()) for _ in range(5)), looks.view(look(1)))
    assert len({id(view) for view in views}) == 2 and len(looks.made) == 2
    pools.close()


@in_loop
async def test_the_latest_are_kept(tmp_path: Path) -> None:
    pools = Pools.open()
    looks = CountedLooks(pools, tmp_path)
    first = await looks.view(look(0))
    for number in range(1, KEPT):
        await looks.view(look(number))
    assert await looks.view(look(0)) is first
    await looks.view(look(99))
    assert await looks.view(look(0)) is first and len(looks) == KEPT, "it was used last"
    await looks.view(look(1))
    assert looks.made.count(look(1)) == 2
    pools.close()


@in_loop
async def test_a_picture_that_could_not_be_had_is_tried_again(tmp_path: Path) -> None:
    pools = Pools.open()
    looks = CountedLooks(pools, tmp_path)
    looks.trouble = NotFoundError("It is gone.", code="file_gone")
    with pytest.raises(NotFoundError):
        await looks.view(look())
    looks.trouble = None
    assert await looks.view(look())
    pools.close()


@in_loop
async def test_a_room_that_ends_meanwhile_does_not_stop_the_others(tmp_path: Path) -> None:
    pools = Pools.open()
    looks = CountedLooks(pools, tmp_path)
    gone, stays = asyncio.create_task(looks.view(look())), asyncio.create_task(looks.view(look()))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays
    with pytest.raises(asyncio.CancelledError):
        await gone
    pools.close()


def test_what_rooms_look_like() -> None:
    shipped = Look.of(spec_of(background_color="#fff"))
    assert (shipped.source, shipped.picture_key, shipped.background_color) == ("ava", "", "#fff")
    own = Look.of(spec_of(source="", picture_key="p", background_key="b", background_color="#fff"))
    assert (own.picture_key, own.background_key, own.background_color) == ("p", "b", "")
    assert Look.of(spec_of(voice=RoomVoice(name="hibari-noah", language="en-US"))) == Look.of(spec_of()), (
        "a voice is not seen"
    )
