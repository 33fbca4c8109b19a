"""``avatarium rooms``: the live rooms of this installation, and the stages that render them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from avatarium.cli.installation import day, opened
from avatarium.cli.tables import print_table

if TYPE_CHECKING:
    from avatarium.platform import Platform
    from avatarium.streaming.models import Room

app = typer.Typer(help="Show live rooms and the stages that render them, and end rooms.", no_args_is_help=True)


@app.command("list")
def list_rooms() -> None:
    """Show the rooms that are open, oldest first."""
    with _platform() as here:
        rooms, now_ms = here.rooms.open_rooms(), here.clock.now_ms()
        names = {user.id: user.name for user in here.accounts.list_users(limit=10**6)[0]}
        reports = {room.id: here.rooms.report(room) for room in rooms}
    print_table(
        ("channel", "user", "state", "since", "left", "coins", "held", "stage"),
        (
            (
                *(room.channel, names.get(room.owner, room.owner), _state(room), day(room.created_ms)),
                f"{max(0, (room.expires_ms - now_ms) // 1000)} s",
                *(reports[room.id].charged, room.held, room.stage_id),
            )
            for room in rooms
        ),
        right=("left", "coins", "held"),
    )


@app.command()
def end(
    channels: Annotated[list[str] | None, typer.Argument(metavar="[CHANNEL]...")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that are open.")] = False,
) -> None:
    """End rooms: their viewers are told, what was not used is given back."""
    import asyncio

    from avatarium.errors import RequestError

    if every == bool(channels):
        raise RequestError("Name the channels of the rooms to end, or give --all.", code="no_rooms_named")
    with _platform() as here:
        rooms = here.rooms.open_rooms() if every else [_found(here, channel) for channel in channels or []]
        for line in asyncio.run(_ended(here, rooms)):
            print(line)


@app.command()
def stages() -> None:
    """Show the stages on the roll."""
    with _platform() as here:
        found, now_ms = here.rooms.stages(), here.clock.now_ms()
    print_table(
        ("stage", "host", "address", "rooms", "places", "load", "late", "seen", "state"),
        (
            (
                *(stage.id, stage.host, stage.address, stage.rooms, f"{stage.places:g}", f"{stage.load:.0%}"),
                *(f"{stage.late:.1%}", f"{(now_ms - stage.seen_ms) / 1000:.0f} s ago"),
                "leaves" if stage.draining else "works",
            )
            for stage in found
        ),
        right=("rooms", "places", "load", "late", "seen"),
    )


@contextmanager
def _platform() -> Iterator[Platform]:
    from avatarium.platform import Platform

    with opened() as here:
        yield Platform(here.settings, here.database, here.clock)


async def _ended(here: Platform, rooms: list[Room]) -> list[str]:
    from avatarium.streaming.control import StageClient, end_room
    from avatarium.streaming.models import EndReason

    client = StageClient(here.secret)
    try:
        reports = [await end_room(here.rooms, client, room, EndReason.REMOVED) for room in rooms]
    finally:
        await client.close()
    return [f"{report.channel}  {report.why}" for report in reports]


def _found(here: Platform, channel: str) -> Room:
    from avatarium.errors import NotFoundError

    room = here.rooms.by_channel(channel)
    if room is None:
        raise NotFoundError(
            f"There is no room {channel[:32]}. `avatarium rooms list` shows those that are open.", code="room_not_found"
        )
    return room


def _state(room: Room) -> str:
    return "lost" if room.lost_ms is not None else room.state.value
