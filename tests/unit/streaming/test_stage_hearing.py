"""Viewers who speak: the avatar falls silent, looks at them, and answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.speech import synthesize
from avatarium.engine.speech.transcription import Transcript
from avatarium.errors import AssetError, ConflictError
from avatarium.streaming.models import EndReason
from avatarium.streaming.stage import speaking
from avatarium.streaming.stage.room import StageRoom
from avatarium.streaming.wire import SpeakCommand
from tests.support.live_rooms import KeepingViewer, Parrot, a_kit, in_loop, make_show, spec_of, until

RATE = 24_000


def understood(sound: NDArray[np.float32], language: str | None) -> Transcript | None:
    return Transcript(text="What does it cost?", language="en", confidence=0.9)


def noise(sound: NDArray[np.float32], language: str | None) -> Transcript | None:
    return None


def missing(sound: NDArray[np.float32], language: str | None) -> Transcript | None:
    raise AssetError("The listener cannot be fetched.", code="asset_away")


@asynccontextmanager
async def opened(tmp_path: Path, transcribe: Any = understood, **spec: Any) -> AsyncIterator[StageRoom]:
    parrot = Parrot(["Five dollars."])
    async with a_kit(tmp_path, transcribe=transcribe, brains=parrot) as kit:
        room = StageRoom(spec_of(**({"microphone": True} | spec)), kit, make_show())
        room.open()
        yield room
        await room.end(EndReason.LEFT)


def joined(room: StageRoom) -> KeepingViewer:
    viewer = KeepingViewer()
    room.add_viewer(viewer)
    viewer.connected = True
    room.viewer_connected(viewer)
    return viewer


@pytest.fixture(scope="module")
def question() -> NDArray[np.float32]:
    said = synthesize("What does it cost, please?", "hibari-noah").audio
    return np.concatenate([np.zeros(RATE // 4, np.float32), said, np.zeros(RATE, np.float32)])


async def speak_into(room: StageRoom, viewer: KeepingViewer, sound: NDArray[np.float32]) -> None:
    for at in range(0, len(sound), 480):
        room.heard(viewer, sound[at : at + 480], RATE)
        await asyncio.sleep(0.004)


def kinds(room: StageRoom) -> list[str]:
    return [e["type"] for e in room.events.since(0) if e["type"] not in ("word", "viseme")]


@in_loop
async def test_who_speaks_is_answered(tmp_path: Path, question: NDArray[np.float32]) -> None:
    async with opened(tmp_path) as room:
        await speak_into(room, joined(room), question)
        await until(lambda: "speaking_ended" in kinds(room), "it answers")
        transcripts = [(e["role"], e["text"]) for e in room.events.since(0) if e["type"] == "transcript"]
        assert transcripts == [("user", "What does it cost?"), ("avatar", "Five dollars.")]
        assert kinds(room).count("listening_started") == kinds(room).count("listening_ended") == 1


@in_loop
async def test_who_speaks_interrupts(tmp_path: Path, question: NDArray[np.float32]) -> None:
    async with opened(tmp_path) as room:
        viewer = joined(room)
        text = "This is a very long speech, which goes on and on, and on, and on, until somebody says something to it."
        await room.speaker.speak(SpeakCommand(command_id="c1", text=text))
        await until(lambda: "speaking_started" in kinds(room), "it speaks")
        await speak_into(room, viewer, question)
        await until(lambda: "interrupted" in kinds(room), "it falls silent")
        await until(lambda: kinds(room).count("speaking_started") == 2, "it answers")


@in_loop
async def test_who_speaks_while_a_recording_is_fetched_is_not_told_it_before_the_answer(
    tmp_path: Path, question: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what waited in the queue was interrupted; the recording came in between, and was played first."""
    let = threading.Event()

    def fetch(*_given: object) -> NDArray[np.int16]:
        assert let.wait(60)
        return np.full(RATE // 2, 3000, np.int16)

    monkeypatch.setattr(speaking, "fetch_sound", fetch)
    async with opened(tmp_path) as room:
        command = SpeakCommand(command_id="old", audio_url="https://example.org/old.wav")
        fetched = asyncio.create_task(room.speaker.speak(command))
        await until(lambda: room.director.knows("old"), "it is fetched")
        await speak_into(room, joined(room), question[: RATE * 3 // 2])
        await until(lambda: "interrupted" in kinds(room), "it is not wanted any more")
        let.set()
        await fetched
        assert not room.director.knows("old")


@in_loop
async def test_noise_is_not_answered(tmp_path: Path, question: NDArray[np.float32]) -> None:
    async with opened(tmp_path, noise) as room:
        await speak_into(room, joined(room), question)
        await until(lambda: "listening_ended" in kinds(room), "it turns away")
        assert "transcript" not in kinds(room)


@in_loop
async def test_ears_that_cannot_be_had_are_told_of(tmp_path: Path, question: NDArray[np.float32]) -> None:
    async with opened(tmp_path, missing) as room:
        await speak_into(room, joined(room), question)
        await until(lambda: "problem" in kinds(room), "it is told")


@in_loop
async def test_a_room_booked_without_a_microphone_hears_nobody(tmp_path: Path, question: NDArray[np.float32]) -> None:
    async with opened(tmp_path, microphone=False) as room:
        await speak_into(room, joined(room), question)
        assert not {"listening_started", "transcript"} & set(kinds(room))
        with pytest.raises(ConflictError, match="microphone: true"):
            room.hearing.turn(True)


@in_loop
async def test_a_microphone_that_is_closed_hears_nobody(tmp_path: Path, question: NDArray[np.float32]) -> None:
    async with opened(tmp_path) as room:
        viewer = joined(room)
        await speak_into(room, viewer, question[: RATE // 2])
        room.hearing.turn(False)
        room.hearing.turn(False)
        await speak_into(room, viewer, question)
        room.hearing.turn(True)
        assert [k for k in kinds(room) if "microphone" in k] == ["microphone_ended", "microphone_started"]
        assert "transcript" not in kinds(room)
