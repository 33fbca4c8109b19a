"""How microphones of a stage are served; what is heard is a script, so that no model file is needed."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Coroutine
from typing import Any

import numpy as np
import pytest

from avatarium.engine.speech import Samples
from avatarium.engine.speech.transcription import Transcript
from avatarium.errors import AssetError, AudioError
from avatarium.streaming.ears import EarEvent, EarKind, EarKit, listener
from avatarium.streaming.ears.ears import Heard
from avatarium.streaming.ears.turns import Turn

RATE = 16_000
SPEECH = np.ones(RATE, np.float32)


class Script:
    """Each second of ones is an utterance; zeros are silence. May be held up, as a busy thread is."""

    hold = threading.Event()

    def __init__(self) -> None:
        self.at_s = 0.0
        self.speaks = False

    def feed(self, pcm: Samples, rate: int) -> list[Heard]:
        assert self.hold.wait(60)
        if rate == 7:
            raise AudioError("A microphone cannot have 7 samples a second.", code="bad_rate")
        if rate == 9:
            raise ZeroDivisionError("a defect")
        self.at_s += len(pcm) / rate
        if not pcm.any():
            return []
        return [
            Heard(turn=Turn.STARTED, at_s=self.at_s),
            Heard(turn=Turn.ENDED, at_s=self.at_s, sound=pcm),
        ]

    def played(self, sound: Samples) -> None:
        self.at_s += 0.0


@pytest.fixture(autouse=True)
def script(monkeypatch: pytest.MonkeyPatch) -> None:
    Script.hold.set()
    monkeypatch.setattr(listener, "Ears", Script)


def hello(sound: Samples, language: str | None) -> Transcript | None:
    return Transcript(text=f"hello {language}", language="en", confidence=0.9)


def nothing(sound: Samples, language: str | None) -> Transcript | None:
    return None


def missing(sound: Samples, language: str | None) -> Transcript | None:
    raise AssetError("The model file cannot be fetched.", code="asset_network")


def run(work: Coroutine[Any, Any, None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(60):
            await work

    asyncio.run(limited())


class Told:
    """The events, and waiting for them."""

    def __init__(self) -> None:
        self.events: list[EarEvent] = []
        self._more = asyncio.Event()

    def __call__(self, event: EarEvent) -> None:
        self.events.append(event)
        self._more.set()

    async def until(self, kind: EarKind, count: int = 1) -> EarEvent:
        while len(found := [event for event in self.events if event.kind is kind]) < count:
            self._more.clear()
            await self._more.wait()
        return found[-1]

    @property
    def kinds(self) -> list[EarKind]:
        return [event.kind for event in self.events]


def test_what_is_said_is_written_down() -> None:
    async def work() -> None:
        kit, told = EarKit(transcribe=hello), Told()
        ears = kit.listener(told, language="en-US")
        ears.hear(SPEECH, RATE)
        event = await told.until(EarKind.TRANSCRIPT)
        assert (event.text, event.language, event.duration_s) == ("hello en-US", "en", 1.0)
        assert told.kinds == [EarKind.SPEECH_STARTED, EarKind.SPEECH_ENDED, EarKind.TRANSCRIPT]
        await kit.aclose()

    run(work())


def test_what_holds_no_words_is_noise() -> None:
    async def work() -> None:
        kit, told = EarKit(transcribe=nothing), Told()
        ears = kit.listener(told)
        ears.hear(SPEECH, RATE)
        await told.until(EarKind.NOISE)
        ears.hear(SPEECH[: RATE // 10], RATE)
        await told.until(EarKind.NOISE, 2)
        await kit.aclose()

    run(work())


def test_without_its_model_the_room_is_told_and_listening_goes_on() -> None:
    async def work() -> None:
        kit, told = EarKit(transcribe=missing), Told()
        ears = kit.listener(told)
        for count in (1, 2):
            ears.hear(SPEECH, RATE)
            event = await told.until(EarKind.PROBLEM, count)
            assert event.problem is not None and event.problem.code == "asset_network"
        await kit.aclose()

    run(work())


def test_a_rate_that_cannot_be_is_a_problem_and_the_next_sound_is_heard() -> None:
    async def work() -> None:
        kit, told = EarKit(transcribe=hello), Told()
        ears = kit.listener(told)
        ears.hear(SPEECH[:1], 7)
        assert (await told.until(EarKind.PROBLEM)).problem
        ears.hear(SPEECH, RATE)
        await told.until(EarKind.TRANSCRIPT)
        ears.hear(SPEECH, 0)
        ears.hear(SPEECH[:0], RATE)
        await kit.aclose()

    run(work())


def test_a_defect_ends_listening_with_a_word() -> None:
    async def work() -> None:
        kit, told = EarKit(transcribe=hello), Told()
        ears = kit.listener(told)
        ears.hear(SPEECH[:9], 9)
        event = await told.until(EarKind.PROBLEM)
        assert event.problem is not None and event.problem.code == "ears_failed"
        ears.hear(SPEECH, RATE)
        await kit.aclose()

    run(work())


def test_the_backlog_is_bounded_and_what_is_dropped_is_said_to_be() -> None:
    async def work() -> None:
        kit, told = EarKit(transcribe=nothing), Told()
        ears = kit.listener(told)
        Script.hold.clear()
        for _ in range(200):
            ears.hear(np.zeros(RATE // 10, np.float32), RATE)
            await asyncio.sleep(0)
        Script.hold.set()
        ears.hear(SPEECH, RATE)
        await told.until(EarKind.DROPPED)
        await told.until(EarKind.NOISE)
        assert ears._ears.at_s < 7
        await kit.aclose()

    run(work())


def test_utterances_that_nobody_could_write_down_in_time_are_dropped() -> None:
    writing = threading.Event()

    def slow(sound: Samples, language: str | None) -> Transcript | None:
        assert writing.wait(60)
        return hello(sound, language)

    async def work() -> None:
        kit, told = EarKit(transcribe=slow), Told()
        ears = kit.listener(told)
        for count in range(1, 8):
            ears.hear(SPEECH, RATE)
            await told.until(EarKind.SPEECH_ENDED, count)
        assert told.kinds.count(EarKind.DROPPED) >= 3
        writing.set()
        await told.until(EarKind.TRANSCRIPT, 3)
        await kit.aclose()

    run(work())


def test_after_closing_nothing_is_told_and_nothing_runs() -> None:
    async def work() -> None:
        kit, told = EarKit(transcribe=hello), Told()
        ears = kit.listener(told)
        ears.hear(SPEECH, RATE)
        await ears.aclose()
        count = len(told.events)
        ears.hear(SPEECH, RATE)
        ears.played(np.zeros(1920, np.float32))
        await asyncio.sleep(0.05)
        assert len(told.events) == count
        await kit.aclose()
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    run(work())


def test_who_goes_before_listening_began_leaves_nothing_behind() -> None:
    """What a cancelled task was to run was once made before the task, and never awaited."""

    async def work() -> None:
        kit = EarKit(transcribe=hello)
        await kit.listener(Told()).aclose()
        gc.collect()
        await kit.aclose()

    run(work())
