"""A whole stage: real database, real synthesis and encoding, viewers made of aiortc."""

from __future__ import annotations

import asyncio
import json
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from avatarium.errors import ConflictError, InputError, RequestError, TooLargeError
from avatarium.streaming.models import RoomState
from avatarium.streaming.wire import AskCommand, ContextCommand, RoomVoice, SpeakCommand, Switch
from tests.support.live_rooms import in_loop, until
from tests.support.running_stage import RunningStage, booked
from tests.support.watched_stage import AUDIBLE, price_of, said, shown_stage, watched


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStage]:
    with shown_stage(tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture
def photo(portraits: Path) -> Path:
    """Somebody."""
    return sorted(portraits.glob("*.jpg"))[0]


@pytest.mark.parametrize("codec", ["H264", "VP8"])
@in_loop
async def test_a_room_is_seen_heard_interrupted_and_paid(stage: RunningStage, codec: str) -> None:
    coins = stage.coins
    began_s = time.monotonic()
    async with booked(stage) as room, watched(room, codec) as witness:
        assert stage.coins == coins - 12
        still = len(witness.mouths)
        text = "Hello there, how are you? I am going on and on, so that you may interrupt me at any time you like."
        await room.tell("speak", said("c1", text))
        await until(lambda: witness.hears, "it is heard")
        await until(lambda: len(room.of("word")) >= 5, "words are told")
        answer = await room.tell("interrupt")
        (told,) = answer["utterances"]
        assert told["words_said"] >= 4 and text.startswith(told["said_text"]) and 500 < told["said_ms"] < 10_000
        await until(lambda: not witness.hears, "it is silent")
        moved = np.ptp([mouth.mean() for mouth in witness.mouths[still:]])
        assert moved > 0
        await room.tell("speak", said("c2", "Fine."))
        await until(lambda: [e["command_id"] for e in room.of("speaking_ended")] == ["c1", "c2"], "it is said")
        state = await room.state()
        assert state["encoder"] == codec.lower() and state["viewers"][0]["connected"] and not state["speaking"]
        assert room.now().state is RoomState.LIVE
        await room.end()
        lasted_s = time.monotonic() - began_s
        await until(lambda: room.of("ended"), "it is told")
    ended, report = room.now(), room.of("ended")[0]
    assert ended.end_reason == "left" and 0 < ended.charged == report["charged"] <= price_of(lasted_s)
    assert stage.coins == coins - ended.charged
    stage.check_books()


@in_loop
async def test_picture_and_sound_of_a_word_are_made_by_one_tick(stage: RunningStage) -> None:
    """The command is answered at once, and sound comes as soon as the first clause is made."""
    async with booked(stage) as room, watched(room):
        await room.tell("speak", said("c1"))
        await until(lambda: room.of("speaking_ended"), "it is said")
        started, word = room.of("speaking_started")[0], room.of("word")[0]
        assert started["text"] == "Hello there." and started["command_id"] == "c1" and started["after_ms"] > 0
        assert word["text"] == "Hello" and word["media_ms"] == started["media_ms"] + word["start_ms"]
        visemes = room.of("viseme")
        assert len(visemes) > 4 and visemes == sorted(visemes, key=lambda e: e["start_ms"])
        numbers = [event["number"] for event in room.events]
        assert numbers == list(range(1, len(numbers) + 1))


@in_loop
async def test_a_question_is_answered_from_the_context(stage: RunningStage) -> None:
    async with booked(stage, context="The zoo opens at nine in the morning.") as room, watched(room):
        await room.tell("ask", AskCommand(command_id="q1", text="When does the zoo open?"))
        await until(lambda: room.of("speaking_ended"), "it is answered")
        answers = room.of("answer")
        assert "nine" in answers[0]["text"] and answers[0]["pos"] == "start" and answers[-1]["pos"] == "end"
        await room.tell("context", ContextCommand(text="The zoo opens at eleven in the morning."))
        await room.tell("ask", AskCommand(command_id="q2", text="When does the zoo open?"))
        await until(lambda: len(room.of("speaking_ended")) == 2, "it is answered")
        assert any("eleven" in answer["text"] for answer in room.of("answer"))


@in_loop
async def test_what_cannot_be_said_is_refused_before_it_is_queued(stage: RunningStage) -> None:
    async with booked(stage) as room:
        with pytest.raises(ConflictError, match="Nobody has joined"):
            await room.tell("speak", said("c0"))
        async with watched(room):
            refused: list[tuple[SpeakCommand, str]] = [
                (said("c", ""), "empty_text"),
                (said("c", "សួស្តីពិភពលោក"), "wrong_script"),
                (said("c", "hello", voice=RoomVoice(name="nobody", language="en-US")), "unknown_voice"),
                (said("c", "hello", rate=9.0), "bad_rate"),
                (said("c", "hello", emotion="hungry"), "bad_emotion"),
                (said("c", "hello", gesture="somersault"), "bad_gesture"),
                (said("c", "hello", strength=2.0), "bad_strength"),
                (SpeakCommand(command_id="c", audio_url="http://127.0.0.1:9/sound.wav"), "url_private"),
                (SpeakCommand(command_id="c", audio_url="nonsense"), "bad_url"),
            ]
            for command, code in refused:
                with pytest.raises((RequestError, InputError)) as refusal:
                    await room.tell("speak", command)
                assert refusal.value.code == code
            with pytest.raises(TooLargeError) as large:
                await room.tell("speak", SpeakCommand.model_construct(command_id="c", text="word " * 20_000))
            assert large.value.code == "text_too_long"
            assert not room.of("problem") and not (await room.state())["queue"]


@in_loop
async def test_fifty_at_once(stage: RunningStage) -> None:
    async with booked(stage) as room, watched(room):
        commands = [room.tell("speak", said(f"c{i}", "One, two, three, four, five.")) for i in range(50)]
        outcomes = await asyncio.gather(*commands, return_exceptions=True)
        refused = [o for o in outcomes if isinstance(o, BaseException)]
        assert {getattr(problem, "code", problem) for problem in refused} == {"queue_full"}
        assert 20 <= 50 - len(refused) <= 22
        answer = await room.tell("interrupt")
        over = len([event for event in room.of("speaking_ended") if not event["interrupted"]])
        assert 0 <= 50 - len(refused) - over - len(answer["utterances"]) <= 1
        assert len({one["command_id"] for one in answer["utterances"]}) == len(answer["utterances"]) >= 20


@in_loop
async def test_listening_and_the_microphone(stage: RunningStage) -> None:
    async with booked(stage) as room:
        assert await room.tell("listening", Switch(on=True)) == {"on": True}
        assert (await room.state())["listening"]
        with pytest.raises(ConflictError, match="booked without a microphone"):
            await room.tell("microphone", Switch(on=True))


@in_loop
async def test_a_recording_is_kept_signed_and_told(stage: RunningStage) -> None:
    from avatarium.engine.provenance import read
    from avatarium.engine.video import probe

    async with booked(stage, record=True) as room, watched(room):
        await room.tell("speak", said("c1"))
        await until(lambda: room.of("speaking_ended"), "it is said")
        await room.end()
    key = room.now().recording_key
    assert key == f"results/{stage.owner}/{room.room.id}/recording.mp4"
    stored = stage.platform.storage.info(key)
    assert stored is not None and stored.owner == stage.owner and stored.expires_ms is not None
    path = stage.platform.storage.local_path(key)
    assert path is not None
    facts = await asyncio.to_thread(probe, path)
    assert facts.sound is not None and facts.duration_s > 1 and (facts.width, facts.height) == (240, 240)
    credentials = read(path)
    assert credentials is not None


@in_loop
async def test_a_recording_behind_an_address_is_said(stage: RunningStage, recordings: Path) -> None:
    folder, host = stage.web
    await asyncio.to_thread(_put_recording, recordings, folder)
    async with booked(stage) as room, watched(room):
        url = f"http://{host}/speech.wav"
        accepted = await room.tell("speak", SpeakCommand(command_id="r1", audio_url=url))
        assert accepted["command_id"] == "r1"
        await until(lambda: room.of("speaking_ended"), "it is said")
        assert room.of("speaking_ended")[0]["said_ms"] == pytest.approx(2500, abs=80)
        assert len(room.of("viseme")) > 3
        for name, code in (("silence.wav", "silent_audio"), ("nothing.wav", "url_status"), ("text.wav", "wrong_kind")):
            with pytest.raises((RequestError, InputError)) as refusal:
                await room.tell("speak", SpeakCommand(command_id="r", audio_url=f"http://{host}/{name}"))
            assert refusal.value.code == code


def _put_recording(recordings: Path, folder: Path) -> None:
    from avatarium.engine.video import read_sound

    samples = read_sound(sorted(recordings.glob("*.wav"))[0], 16_000).samples[: 2 * 20_000]
    for name, sound in (("speech", samples), ("silence", np.zeros(16_000))):
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes((sound * 32767).astype("<i2").tobytes())
    (folder / "text.wav").write_text("Not a sound at all, but a sentence that somebody wrote.")


@in_loop
async def test_a_command_may_interrupt_what_is_said(stage: RunningStage) -> None:
    async with booked(stage) as room, watched(room):
        await room.tell("speak", said("c1", "One, two, three, four, five, six, seven, eight, nine, ten."))
        await until(lambda: room.of("speaking_started"), "it speaks")
        with pytest.raises((RequestError, InputError)):
            await room.tell("speak", said("c2", "សួស្តី", interrupt=True))
        assert not room.of("interrupted"), "what cannot be said interrupts nothing"
        accepted = await room.tell("speak", said("c3", "Stop.", interrupt=True))
        assert accepted["generation"] == 1 and accepted["position"] == 0
        await until(lambda: len(room.of("speaking_ended")) == 2, "both are over")
        assert [(e["command_id"], e["interrupted"]) for e in room.of("speaking_ended")] == [("c1", True), ("c3", False)]
        assert room.of("interrupted")[0]["command_id"] == "c3"


@in_loop
async def test_who_comes_back_to_the_events_misses_nothing(stage: RunningStage) -> None:
    async with booked(stage) as room, watched(room):
        await room.tell("speak", said("c1"))
        await until(lambda: room.of("speaking_ended"), "it is said")
        again = []
        async for event in room.client.events(room.record, room.room.id, after=2):
            again.append(event)
            if len(again) == len(room.events) - 2:
                break
        assert again == room.events[2:]


@in_loop
async def test_pushed_sound_is_said(stage: RunningStage) -> None:
    from avatarium.engine.speech import synthesize

    sound = synthesize("This was said by somebody else.", "hibari-noah")
    async with booked(stage) as room, watched(room) as witness:
        path = f"/rooms/{room.room.id}/sound"
        async with room.client.socket(room.record, path) as socket:
            await socket.send(json.dumps({"sample_rate": sound.rate, "format": "f32le", "command_id": "mine"}))
            assert json.loads(await socket.recv()) == {"type": "accepted", "command_id": "mine"}
            for at in range(0, len(sound.audio), 4800):
                await socket.send(sound.audio[at : at + 4800].astype("<f4").tobytes())
            await socket.send(json.dumps({"end": True}))
            ended = json.loads(await socket.recv())
            assert ended["type"] == "ended" and ended["seconds"] == pytest.approx(sound.duration_s, abs=0.01)
        await until(lambda: room.of("speaking_ended"), "it is said")
        (told,) = room.of("speaking_ended")
        assert told["command_id"] == "mine" and told["said_ms"] == pytest.approx(sound.duration_s * 1000, abs=60)
        assert max(level for _, level in witness.loud) > AUDIBLE and len(room.of("viseme")) > 5


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["hello"], "bad_sound_message"),
        ([b"RIFF"], "bad_sound_message"),
        ([{"sample_rate": 4000}], "bad_sound_format"),
        ([{"sample_rate": 16000}, b"abc"], "bad_sound"),
        ([{"sample_rate": 16000}, b"RIFF0000WAVEfmt "], "bad_sound"),
        ([{"sample_rate": 16000}, bytes(32_000), {"end": True}], "silent_audio"),
    ],
)
@in_loop
async def test_pushed_nonsense_is_refused_in_words(stage: RunningStage, messages: list[Any], code: str) -> None:
    async with booked(stage) as room, watched(room):
        async with room.client.socket(room.record, f"/rooms/{room.room.id}/sound") as socket:
            for message in messages:
                await socket.send(json.dumps(message) if isinstance(message, dict) else message)
            told: list[dict[str, Any]] = []
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    told.append(json.loads(await socket.recv()))
        assert told[-1]["type"] == "error" and told[-1]["code"] == code and told[-1]["message"]
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 4400


@in_loop
async def test_a_picture_of_a_user_and_a_background(stage: RunningStage, photo: Path) -> None:
    from avatarium.catalogue.models import Avatar
    from avatarium.ids import new_id

    platform, owner = stage.platform, stage.owner
    made, broken = new_id(), new_id()
    platform.storage.put(f"t/{made}.jpg", photo, owner=owner, media_type="image/jpeg", expires_ms=None)
    platform.storage.put(f"t/{broken}.jpg", b"no picture", owner=owner, media_type="image/jpeg", expires_ms=None)
    with platform.database.write() as c:
        for one in (made, broken):
            key, facts = f"t/{one}.jpg", {"gender": "male", "created_ms": 1}
            platform.catalogue.add_avatar(c, Avatar(id=one, owner=owner, name="me", picture_key=key, **facts))  # type: ignore[arg-type]
    async with booked(stage, avatar_id=made, background_color="#00ff00", shape="16:9") as room, watched(room) as seen:
        assert seen.mouths[0].shape == (240, 426)
    coins = stage.coins
    async with booked(stage, avatar_id=broken) as room:
        await until(lambda: room.of("ended"), "it ends")
        assert room.of("problem")[0]["message"]
    assert stage.coins == coins, "a picture that cannot be shown costs nothing"
