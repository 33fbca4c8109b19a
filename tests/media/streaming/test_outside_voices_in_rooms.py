"""Voices of an outside service in rooms: through the process of slow voices, from a service of our own."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from avatarium.engine.speech import synthesize
from avatarium.errors import StalledError
from avatarium.streaming.stage.slow import SlowSource, SlowSpeech
from avatarium.streaming.stage.slow_child import Order
from tests.support.endpoints import Asked, Behaviour, endpoint, head
from tests.support.live_rooms import in_loop

TEXT = "Good morning, and welcome."


def said(text: str) -> bytes:
    """What the service sends: a WAV file of somebody who says it."""
    speech, content = synthesize(text, "hibari-noah"), io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, speech.rate, 0, "NONE", ""))
        file.writeframes((speech.audio.clip(-1, 1) * 32767).astype(np.int16).tobytes())
    return content.getvalue()


def order(text: str) -> Order:
    return Order(text=text, rate=1.0, voice="external-alloy")


@asynccontextmanager
async def room(behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[SlowSpeech, Asked]]:
    async with endpoint(behaviour) as (address, asked):
        monkeypatch.setenv("AVATARIUM_SPEECH_URL", address)
        monkeypatch.setenv("AVATARIUM_SPEECH_VOICES", '["alloy:female:en-US"]')
        made = SlowSpeech()
        try:
            yield made, asked
        finally:
            await made.close()


@in_loop
async def test_what_a_service_says_is_heard_with_its_phonemes(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = said(TEXT)

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head("audio/wav") + sound)
        await writer.drain()

    async with room(answer, monkeypatch) as (made, asked):
        source = SlowSource(reading=await made.open(order(TEXT)))
        pieces = [piece async for piece in source.pieces()]
    assert asked.body["input"] == TEXT and asked.body["voice"] == "alloy"
    assert sum(len(piece.audio) / piece.rate for piece in pieces) == pytest.approx(len(sound) / 2 / 24_000, abs=0.05)
    assert sum(len(piece.phonemes) for piece in pieces) > 10


@in_loop
async def test_a_service_that_is_silent_keeps_no_other_room_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """There was one line for all: whoever stood behind a dead service waited for its time-out."""
    gone = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        if asked.body["input"] == TEXT:
            await gone.wait()
        else:
            writer.write(head(status="503 Busy"))

    async with room(answer, monkeypatch) as (made, asked):
        silent = await made.open(order(TEXT))
        waiting = asyncio.ensure_future(silent.next())
        other = await made.open(order("Somebody else."))
        with pytest.raises(StalledError) as busy:
            await other.next()
        assert busy.value.code == "voice_away" and not waiting.done()
        silent.drop()
        waiting.cancel()
        gone.set()
        await asyncio.gather(waiting, return_exceptions=True)
        await asked.gone.wait()
