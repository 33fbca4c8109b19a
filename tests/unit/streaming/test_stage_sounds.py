"""Speech that comes as sound."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.live import HeardSound
from avatarium.engine.speech import Speech
from avatarium.errors import AudioError, UnavailableError
from avatarium.streaming.stage import sounds
from avatarium.streaming.stage.pools import Pools
from avatarium.streaming.stage.sounds import AHEAD_MAX_S, AHEAD_S, SHELF_S, FileSource, PushedSource, Shelf
from tests.support.live_rooms import in_loop


class Echo:
    """Hears every sound as one piece."""

    def __init__(self) -> None:
        self.fed: list[tuple[int, int]] = []

    def feed(self, pcm: NDArray[np.float32], rate: int) -> list[Speech]:
        self.fed.append((len(pcm), rate))
        return [Speech(audio=pcm, rate=rate, phonemes=(), words=())]

    def finish(self) -> list[Speech]:
        return [Speech(audio=np.zeros(7, np.float32), rate=24_000, phonemes=(), words=())]


def tone(seconds: float, rate: int = 16_000) -> NDArray[np.float32]:
    return np.asarray(0.3 * np.sin(np.arange(round(seconds * rate)) / 5), np.float32)


def pushed(echo: Echo | None = None) -> tuple[Pools, PushedSource]:
    pools = Pools.open()
    return pools, PushedSource(pools, lambda: echo or Echo(), 16_000)  # type: ignore[arg-type, return-value]


async def taken(source: PushedSource | FileSource) -> list[Speech]:
    return [piece async for piece in source.pieces()]


@in_loop
async def test_what_is_pushed_is_said_in_order_to_its_end() -> None:
    pools, source = pushed()
    taking = asyncio.create_task(taken(source))
    parts = [tone(0.1), tone(0.2), tone(0.3)]
    for part in parts:
        await source.push(part)
        await asyncio.sleep(0.01)
    await source.end()
    pieces = await taking
    said = np.concatenate([piece.audio for piece in pieces[:-1]])
    assert np.abs(said - np.concatenate(parts)).max() < 1e-4
    assert len(pieces[-1].audio) == 7, "what the listener held back comes last"
    assert source.received_s == pytest.approx(0.6)
    pools.close()


@in_loop
async def test_who_pushes_too_much_waits() -> None:
    pools, source = pushed()
    for _ in range(round(AHEAD_MAX_S)):
        await source.push(tone(1.0))
    pushing = asyncio.create_task(source.push(tone(1.0)))
    await asyncio.sleep(0.05)
    assert not pushing.done()
    pieces = source.pieces()
    await anext(pieces)
    await pushing
    await pieces.aclose()
    pools.close()


@in_loop
async def test_a_long_file_pushed_at_once_is_said_to_its_end_in_parts() -> None:
    echo = Echo()
    pools, source = pushed(echo)
    for _ in range(120):
        await source.push(tone(1.5))
    await source.end()
    pieces = await taken(source)
    assert sum(len(piece.audio) for piece in pieces) == 180 * 16_000 + 7
    assert {length for length, _ in echo.fed} == {16_000}
    assert source.waiting_s == 0
    pools.close()


@in_loop
async def test_pushed_sound_of_one_room_is_bounded_in_all() -> None:
    pools, shelf = Pools.open(), Shelf()
    others = [PushedSource(pools, lambda: Echo(), 16_000, shelf) for _ in range(2)]  # type: ignore[arg-type, return-value]
    for _ in range(round(AHEAD_MAX_S)):
        await others[0].push(tone(1.0))
        await others[1].push(tone(1.0))
    assert shelf.waiting_s == SHELF_S
    source = PushedSource(pools, lambda: Echo(), 16_000, shelf)  # type: ignore[arg-type, return-value]
    await source.push(tone(AHEAD_S))
    pushing = asyncio.create_task(source.push(tone(1.0)))
    await asyncio.sleep(0.02)
    assert not pushing.done(), "its own thirty seconds, no more"
    others[0].over.set()  # interrupted before it was begun
    assert shelf.waiting_s == AHEAD_MAX_S + AHEAD_S
    await pushing
    pools.close()


@in_loop
async def test_empty_and_tiny_messages_are_not_kept_one_by_one() -> None:
    pools, source = pushed()
    for _ in range(5000):
        await source.push(np.zeros(0, np.float32))
    assert not source._parts and source.received_s == 0
    for _ in range(3200):
        await source.push(np.full(1, 0.5, np.float32))
    assert source.waiting_s == pytest.approx(0.2) and len(source._parts) == 2
    pools.close()


@in_loop
async def test_what_was_interrupted_wants_no_more_sound() -> None:
    pools, source = pushed()
    for _ in range(round(AHEAD_MAX_S)):
        await source.push(tone(1.0))
    pushing = asyncio.create_task(source.push(tone(1.0)))
    await asyncio.sleep(0)
    source.over.set()
    with pytest.raises(UnavailableError, match="interrupted"):
        await pushing
    with pytest.raises(UnavailableError):
        await source.push(tone(0.1))
    pools.close()


@in_loop
async def test_silence_in_place_of_speech_is_told_at_the_end() -> None:
    pools, source = pushed()
    await source.push(np.zeros(16_000, np.float32))
    with pytest.raises(AudioError, match="silent"):
        await source.end()
    pools.close()


@in_loop
async def test_a_file_is_heard_in_parts_so_that_it_begins_soon() -> None:
    pools, echo = Pools.open(), Echo()
    sound = (tone(2.5, 24_000) * 32767).astype(np.int16)
    source = FileSource(pools=pools, listen=lambda: echo, sound=sound)  # type: ignore[arg-type, return-value]
    pieces = await taken(source)
    assert [length for length, _ in echo.fed] == [24_000, 24_000, 12_000] and source.duration_s == 2.5
    said = np.concatenate([piece.audio for piece in pieces[:-1]])
    assert np.abs(said - sound / 32767).max() < 1e-4
    pools.close()


@pytest.fixture
def someone_speaks(recordings: Path) -> NDArray[np.float32]:
    """Four seconds."""
    from avatarium.engine.video.sound import read_sound

    return read_sound(sorted(recordings.glob("*.wav"))[0], sounds.RATE).samples[: 4 * sounds.RATE]


@in_loop
async def test_a_recording_moves_the_lips(someone_speaks: NDArray[np.float32]) -> None:
    pools = Pools.open()
    source = FileSource(pools=pools, listen=HeardSound, sound=(someone_speaks * 32767).astype(np.int16))
    pieces = await taken(source)
    assert sum(len(piece.audio) / piece.rate for piece in pieces) == pytest.approx(4.0, abs=0.1)
    assert sum(len(piece.phonemes) for piece in pieces) > 10
    pools.close()
