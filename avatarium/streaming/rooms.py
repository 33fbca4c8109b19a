"""Live rooms: booked, extended and ended, with their money. Nothing else moves coins for them."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from avatarium.accounts import ledger
from avatarium.catalogue.service import Catalogue
from avatarium.clock import DAY_MS, SECOND_MS, Clock
from avatarium.database import Database
from avatarium.errors import BusyError, ConflictError, NotFoundError, TooFewCoinsError, UnavailableError
from avatarium.ids import new_id
from avatarium.prices import Prices
from avatarium.settings import Settings
from avatarium.streaming import ending, repository
from avatarium.streaming.booking import BookRequest, check_context, check_seconds, spec_of
from avatarium.streaming.films import Films
from avatarium.streaming.models import EndReason, Room, RoomState, StageRecord, Ticket
from avatarium.streaming.placement import Choice, choose, places_for
from avatarium.streaming.replays import Once, booked_before, extended_before, with_extension
from avatarium.streaming.reports import ITEM, Report, coins_of, price_of, report_of, units_of
from avatarium.streaming.roll import StageRoll
from avatarium.streaming.waiting import FRESH_S, RoomsFull, expected_wait_s, place_of, ticket_of
from avatarium.streaming.wire import RoomSpec

CHANNEL_DIGITS = (5, 5, 5, 5, 6, 8, 12)
"""Hexadecimal digits of a room's name, attempt by attempt: A2E has five, of which a busy installation runs out."""
UIDS = (100_000_000, 999_999_999)
SOON_S = 10.0
KEEP_DAYS = 30
"""How long the reports of rooms are kept."""
LOOK_BACK = 50
"""Rooms that ended last, by which the wait is guessed."""
_LONGER = ("booked_s", "extended_s", "expires_ms", "held", "spec", "extensions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """A room, and the stage that is to open it."""

    room: Room
    spec: RoomSpec
    stage: StageRecord


class Rooms(StageRoll):
    """All live rooms of an installation. Threads may share it; every call is one transaction."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        settings: Settings,
        prices: Prices,
        catalogue: Catalogue,
        films: Films,
    ) -> None:
        super().__init__(database, clock)
        self._settings = settings
        self._prices = prices
        self._catalogue = catalogue
        self._films = films

    # What users do

    def book(self, owner: str, request: BookRequest, *, avoid: Collection[str] = (), key: str | None = None) -> Booked:
        """Book a room on the least loaded stage and hold its price. The stage is not told: that is for the caller.

        Args:
            owner: the user who pays.
            request: what is asked for.
            avoid: stages that have just not answered.
            key: whoever comes again with the same one gets the same room.

        Raises:
            ConflictError: the key was used for another request.
            InputError, RequestError, NotFoundError: a choice does not exist.
            TooFewCoinsError: the balance is smaller than the price.
            BusyError: ``too_many_rooms``: the user has as many as one may have.
            RoomsFull: every stage is full.
            UnavailableError: ``no_stage``: none is running.
        """
        now_ms = self._clock.now_ms()
        uid = UIDS[0] + secrets.randbelow(UIDS[1] - UIDS[0] + 1)
        spec = spec_of(
            owner,
            request,
            catalogue=self._catalogue,
            settings=self._settings,
            films=self._films,
            room_id=new_id(),
            channel="",
            uid=uid,
            now_ms=now_ms,
        )
        price = price_of(request.expire_s, self._prices)
        with self._database.write() as c:
            made = self._placed(c, spec, price, request.ticket, avoid, Once.of(request, key))
        if isinstance(made, RoomsFull):
            raise made
        return made

    def booked_before(self, owner: str, request: BookRequest, key: str | None) -> Room | None:
        """The room that an idempotency key stands for, open or ended; None where it is new.

        Raises:
            ConflictError: the key was used for another request.
        """
        with self._database.read() as c:
            return booked_before(c, owner, Once.of(request, key))

    def move(self, room_id: str, *, avoid: Collection[str]) -> Booked | None:
        """Give a room whose stage did not answer to another; None where there is none, or the room is over."""
        now_ms = self._clock.now_ms()
        with self._database.write() as c:
            found = repository.get(c, room_id)
            if found is None:
                return None
            # Stages before rooms, as whoever strikes one off: else the two would wait for each other.
            choice = self._choice(c, found.places, {*avoid, found.stage_id})
            room = repository.get(c, room_id, lock=True)
            if room is None or room.state is not RoomState.BOOKED or choice.stage is None:
                return None
            repository.change(c, room, stage_id=choice.stage.id, seen_ms=now_ms)
        moved = replace(room, stage_id=choice.stage.id, seen_ms=now_ms)
        return Booked(room=moved, spec=RoomSpec.model_validate(room.spec), stage=choice.stage)

    def find(self, owner: str, channel: str) -> Room:
        """The room of a channel.

        Raises:
            NotFoundError: ``room_not_found``: there is none, or it is somebody else's.
        """
        with self._database.read() as c:
            room = repository.find(c, channel.strip().lower(), owner=owner)
        if room is None:
            raise _missing()
        return room

    def find_open(self, owner: str, channel: str) -> Room:
        """The same, if it has not ended.

        Raises:
            NotFoundError: ``room_not_found``.
            ConflictError: ``room_ended``.
        """
        room = self.find(owner, channel)
        if not room.is_open:
            raise _over(room)
        return room

    def page(self, owner: str, *, offset: int = 0, limit: int = 20) -> tuple[list[Room], int]:
        """Rooms of a user, open and ended, newest first, and how many there are in all."""
        with self._database.read() as c:
            return repository.page(c, owner=owner, offset=offset, limit=limit)

    def extend(self, owner: str, channel: str, seconds: int, *, key: str | None = None) -> Room:
        """Book more time for a room, once for each idempotency key.

        Raises:
            NotFoundError: ``room_not_found``.
            ConflictError: ``room_ended``.
            RequestError: ``bad_expire_seconds``: it would last too long.
            TooFewCoinsError: the balance does not cover it.
        """
        now_ms = self._clock.now_ms()
        found = self.find(owner, channel)
        with self._database.write() as c:
            room = repository.get(c, found.id, lock=True) or found
            if extended_before(room, seconds, key):
                return room
            if not room.is_open or room.expires_ms <= now_ms:
                raise _over(room)
            check_seconds(seconds, self._settings.live_longest_s)
            booked_s = room.booked_s + seconds
            check_seconds(booked_s, self._settings.live_longest_s)
            longer = replace(self._longer(room, seconds), extensions=with_extension(room, seconds, key))
            extra = longer.held - room.held
            ledger.raise_hold(c, owner, extra, subject=room.subject, why=f"to-{booked_s}", now_ms=now_ms)
            repository.change(c, room, **{name: getattr(longer, name) for name in _LONGER})
        return longer

    def set_context(self, owner: str, channel: str, text: str) -> Room:
        """Set what answers in a room are based on.

        Raises:
            NotFoundError: ``room_not_found``.
            ConflictError: ``room_ended``.
            RequestError: ``context_too_long``.
        """
        check_context(text)
        found = self.find(owner, channel)
        with self._database.write() as c:
            room = repository.get(c, found.id, lock=True) or found
            if not room.is_open:
                raise _over(room)
            spec = room.spec | {"context": text}
            repository.change(c, room, context=text, spec=spec)
        return replace(room, context=text, spec=spec)

    def report(self, room: Room) -> Report:
        """A room in numbers and words, as of now."""
        return report_of(room, self._clock.now_ms())

    # What viewers, stages and operators do

    def by_channel(self, channel: str) -> Room | None:
        """The room of a channel, whoever owns it: for viewers, who show its token."""
        with self._database.read() as c:
            return repository.find(c, channel.strip().lower(), owner=None)

    def get(self, room_id: str) -> Room | None:
        """A room, whoever owns it."""
        with self._database.read() as c:
            return repository.get(c, room_id)

    def open_rooms(self) -> list[Room]:
        """All that have not ended, oldest first."""
        with self._database.read() as c:
            return repository.open_rooms(c)

    def end(
        self, room_id: str, reason: EndReason, *, until_ms: int | None = None, stage_id: str | None = None
    ) -> Report:
        """End a room: its state and its money in one transaction. One that has ended stays as it is.

        Args:
            room_id: the room.
            reason: why.
            until_ms: up to when its time counts; now unless given.
            stage_id: of the stage that says so; where the room is at another by now, nothing happens.

        Raises:
            NotFoundError: ``room_not_found``.
        """
        now_ms = self._clock.now_ms()
        with self._database.write() as c:
            room = repository.get(c, room_id, lock=True)
            if room is None:
                raise _missing()
            if room.is_open and stage_id in (None, room.stage_id):
                counted_ms = now_ms if until_ms is None else min(until_ms, now_ms)
                room = ending.end(c, room, reason, until_ms=counted_ms, now_ms=now_ms)
        return report_of(room, now_ms)

    def note_joined(self, room_id: str, *, at_ms: int | None = None) -> None:
        """A viewer is connected, the first one or again: its time counts from here on."""
        moment_ms = self._clock.now_ms() if at_ms is None else at_ms
        with self._database.write() as c:
            room = repository.get(c, room_id, lock=True)
            if room is None or not room.is_open:
                return
            values: dict[str, Any] = {"state": RoomState.LIVE.value, "lost_ms": None}
            if room.joined_ms is None:
                values |= {"joined_ms": moment_ms}
            elif room.lost_ms is not None:
                values |= {"away_ms": room.away_ms + max(0, moment_ms - room.lost_ms)}
            repository.change(c, room, **values)

    def note_lost(self, room_id: str, *, at_ms: int | None = None) -> None:
        """Nobody is connected any more: time does not count until somebody comes back."""
        moment_ms = self._clock.now_ms() if at_ms is None else at_ms
        with self._database.write() as c:
            room = repository.get(c, room_id, lock=True)
            if room is not None and room.joined_ms is not None and room.lost_ms is None:
                repository.change(c, room, lost_ms=max(moment_ms, room.joined_ms))

    def note_seen(self, stage_id: str, room_ids: Collection[str]) -> frozenset[str]:
        """A stage renders these rooms; answers those of them that are over or at another stage, which it drops."""
        with self._database.write() as c:
            return repository.note_seen(c, stage_id, room_ids, now_ms=self._clock.now_ms())

    def note_recording(self, room_id: str, key: str) -> None:
        """Where the recording of a room lies in storage."""
        with self._database.write() as c:
            repository.note_recording(c, room_id, key)

    def forget_old(self) -> None:
        """Remove the reports of rooms that ended long ago."""
        with self._database.write() as c:
            repository.forget_rooms(c, before_ms=self._clock.now_ms() - KEEP_DAYS * DAY_MS)

    # Inside

    def _placed(
        self, c: Connection, spec: RoomSpec, price: int, ticket: str, avoid: Collection[str], once: Once
    ) -> Booked | RoomsFull:
        """A room with its place and its coins, or what to tell who has to wait, which is kept as well."""
        places = places_for(spec)
        living = self._locked(c)
        if (known := booked_before(c, spec.owner, once)) is not None:
            return _again(known, living)
        if all(stage.id in avoid for stage in living):
            raise _no_stage()
        self._check_count(c, spec.owner)
        _check_coins(c, spec.owner, price)
        line = repository.tickets(c, since_ms=spec.created_ms - FRESH_S * SECOND_MS)
        held = ticket_of(spec.owner, ticket, places, line, most=self._settings.live_user_rooms)
        before = [known.places for known in line[: place_of(held, line) - 1]]
        choice = self._choice(c, places, avoid, living=living, before=before)
        if choice.stage is None:
            return self._in_line(c, spec, places, held, line, kept=held is not None and held.ticket == ticket)
        if held is not None:
            repository.drop_ticket(c, held.ticket, owner=spec.owner)
        room = self._add(c, spec, places, price, choice.stage, once)
        note = f"live room {room.channel}"
        ledger.hold(c, spec.owner, price, subject=room.subject, note=note, now_ms=spec.created_ms)
        return Booked(room=room, spec=RoomSpec.model_validate(room.spec), stage=choice.stage)

    def _locked(self, c: Connection) -> list[StageRecord]:
        """Stages that live, locked until the room is written, so that two do not take the last place."""
        return self.living(repository.all_stages(c, lock=True))

    def _choice(
        self,
        c: Connection,
        places: float,
        avoid: Collection[str],
        *,
        living: Sequence[StageRecord] | None = None,
        before: Sequence[float] = (),
    ) -> Choice:
        found = self._locked(c) if living is None else living
        share = self._settings.live_share
        taken = repository.places_taken(c)
        return choose(found, taken, places=places, share=share, avoid=avoid, before=before)

    def _check_count(self, c: Connection, owner: str) -> None:
        limit = self._settings.live_user_rooms
        if repository.count_open(c, owner=owner) >= limit:
            raise BusyError(
                f"{limit} live rooms of yours are open, which is the limit. Leave some first: their unused coins come "
                "back.",
                code="too_many_rooms",
                retry_after_s=SOON_S,
            )

    def _in_line(
        self, c: Connection, spec: RoomSpec, places: float, held: Ticket | None, line: Sequence[Ticket], *, kept: bool
    ) -> RoomsFull:
        now_ms = spec.created_ms
        if held is not None:
            repository.note_ticket(c, held, kept=kept or held.kept, now_ms=now_ms)
        else:
            created_ms = max([now_ms, *(known.created_ms + 1 for known in line)])  # two of one instant keep their order
            held = Ticket(
                ticket=new_id(), owner=spec.owner, places=places, kept=False, created_ms=created_ms, seen_ms=now_ms
            )
            repository.add_ticket(c, held)
            line = [*line, held]
        place = place_of(held, line)
        ended = repository.last_ended(c, LOOK_BACK)
        wait_s = expected_wait_s(place, repository.open_rooms(c), ended, now_ms=now_ms)
        return RoomsFull(place=place, expected_wait_s=wait_s, ticket=held.ticket)

    def _add(self, c: Connection, spec: RoomSpec, places: float, price: int, stage: StageRecord, once: Once) -> Room:
        room = Room(
            **{name: getattr(spec, name) for name in ("owner", "avatar_id", "booked_s", "created_ms", "expires_ms")},
            id=spec.room_id,
            channel="",
            stage_id=stage.id,
            state=RoomState.BOOKED,
            uid=spec.token_uid,
            places=places,
            spec={},
            context=spec.context,
            unit_price=self._prices[ITEM],
            extended_s=0,
            joined_ms=None,
            lost_ms=None,
            away_ms=0,
            seen_ms=spec.created_ms,
            ended_ms=None,
            end_reason="",
            used_ms=0,
            held=price,
            charged=0,
            recording_key="",
            idempotency_key=once.key,
            request_hash=once.digest,
        )
        for digits in CHANNEL_DIGITS:
            channel = secrets.token_hex(8)[:digits]
            named = spec.model_copy(update={"channel": channel}).model_dump(mode="json")
            if repository.add(c, made := replace(room, channel=channel, spec=named)):
                return made
        raise UnavailableError("No name is free for another room. Try again.", code="no_channel", retry_after_s=SOON_S)

    def _longer(self, room: Room, seconds: int) -> Room:
        booked_s, expires_ms = room.booked_s + seconds, room.expires_ms + seconds * SECOND_MS
        return replace(
            room,
            booked_s=booked_s,
            extended_s=room.extended_s + seconds,
            expires_ms=expires_ms,
            held=coins_of(units_of(booked_s), room.unit_price),
            spec=room.spec | {"booked_s": booked_s, "expires_ms": expires_ms},
        )


def _again(room: Room, living: Sequence[StageRecord]) -> Booked:
    stage = next((stage for stage in living if stage.id == room.stage_id), None)
    if stage is None:
        raise _no_stage()
    return Booked(room=room, spec=RoomSpec.model_validate(room.spec), stage=stage)


def _check_coins(c: Connection, owner: str, price: int) -> None:
    """Refused before the line as well: nobody shall wait for what they cannot pay."""
    coins, _ = ledger.balance(c, owner)
    if coins < price:
        raise TooFewCoinsError(
            f"This costs {price} coin{'' if price == 1 else 's'} and the account has {coins}. Get more coins, or book "
            "less time.",
            code="too_few_coins",
        )


def _no_stage() -> UnavailableError:
    return UnavailableError(
        "No process that renders live rooms is ready yet. Try again in a few seconds.",
        code="no_stage",
        retry_after_s=SOON_S,
    )


def _over(room: Room) -> ConflictError:
    why = f" ({room.end_reason})" if room.end_reason else ""
    return ConflictError(f"The room {room.channel} has ended{why}. Book another by agora-token.", code="room_ended")


def _missing() -> NotFoundError:
    return NotFoundError("There is no such room. Send the `channel` of agora-token.", code="room_not_found")
