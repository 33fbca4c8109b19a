"""A whole stage: real database, real synthesis and encoding, viewers made of aiortc."""

from __future__ import annotations

import asyncio
import gc
import http.server
import json
import os
import threading
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, VideoFrame
from websockets.exceptions import ConnectionClosed

from avatarium.errors import ConflictError, InputError, NotFoundError, RequestError, TooLargeError
from avatarium.streaming.models import EndReason, RoomState
from avatarium.streaming.wire import AskCommand, ContextCommand, ExtendCommand, RoomSpec, SpeakCommand, Switch
from tests.support.live_receiving import Receiver
from tests.support.live_rooms import in_loop, until
from tests.support.running_stage import Booked, RunningStage, booked, running_stage

AUDIBLE = 0.02


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStage]:
    folder = tmp_path_factory.mktemp("stage")
    with (
        shown(folder / "web") as host,
        running_stage(folder / "home", live_grace_s=0.8, fetch_allow=[host]) as made,
    ):
        made.web = folder / "web", host
        yield made


@contextmanager
def shown(folder: Path) -> Iterator[str]:
    """A web server that shows a folder; its ``host:port``."""
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def photo(portraits: Path) -> Path:
    """Somebody."""
    return sorted(portraits.glob("*.jpg"))[0]


class Witness(Receiver):
    """A viewer who notes how loud it is, and how bright the picture."""

    def __init__(self, codec: str = "H264") -> None:
        super().__init__(codec=codec)
        self.loud: list[tuple[float, float]] = []
        self.mouths: list[np.ndarray[Any, Any]] = []

    async def _read(self, track: MediaStreamTrack) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, VideoFrame):
                self.pictures += 1
                self.mouths.append(frame.to_ndarray(format="gray"))
            elif isinstance(frame, AudioFrame):
                self.samples += frame.samples
                level = float(np.abs(frame.to_ndarray().astype(np.float32)).max() / 32768)
                self.loud.append((loop.time(), level))
            self._more.set()

    @property
    def hears(self) -> bool:
        """Whether something sounds just now."""
        return any(level > AUDIBLE for _, level in self.loud[-3:])


@asynccontextmanager
async def watched(room: Booked, codec: str = "H264") -> AsyncIterator[Witness]:
    witness = Witness(codec)
    try:
        offer = await witness.offer()
        answer = await room.client.offer(
            room.record, room.room.id, offer.encode(), uid=room.room.uid, may_publish=False, address="127.0.0.1"
        )
        await witness.accept(answer.sdp)
        await witness.until_pictures(3, within_s=20)
        yield witness
    finally:
        await witness.close()


def said(command_id: str, text: str = "Hello there.", **more: Any) -> SpeakCommand:
    return SpeakCommand(command_id=command_id, text=text, **more)


@pytest.mark.parametrize("codec", ["H264", "VP8"])
@in_loop
async def test_a_room_is_seen_heard_interrupted_and_paid(stage: RunningStage, codec: str) -> None:
    coins = stage.coins
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
        await until(lambda: room.of("ended"), "it is told")
    ended, report = room.now(), room.of("ended")[0]
    assert ended.end_reason == "left" and ended.charged == report["charged"] <= 3
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
                (said("c", "你好世界"), "no_voice_for_language"),
                (said("c", "hello", voice="nobody"), "unknown_voice"),
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
async def test_a_viewer_gone_without_a_word_ends_the_room_and_is_not_charged_for_the_wait(stage: RunningStage) -> None:
    async with booked(stage) as room:
        async with watched(room):
            pass
        await until(lambda: room.of("ended"), "it ends")
        assert room.of("ended")[0]["reason"] == "viewer_lost" and room.now().charged == 1
        assert [e["type"] for e in room.events if e["type"].startswith("viewer")] == ["viewer_joined", "viewer_left"]
    stage.check_books()


@in_loop
async def test_the_same_room_again_after_the_network_was_away(stage: RunningStage) -> None:
    async with booked(stage) as room:
        async with watched(room):
            pass
        async with watched(room) as witness:
            assert witness.pictures
            await room.tell("speak", said("c1"))
            await until(lambda: room.of("speaking_ended"), "it speaks")
            assert not room.of("ended")


@in_loop
async def test_two_viewers_share_one_encoder(stage: RunningStage) -> None:
    async with booked(stage) as room, watched(room) as one:
        async with watched(room) as two:
            await asyncio.gather(one.until_pictures(one.pictures + 10), two.until_pictures(two.pictures + 10))
            state = await room.state()
            assert state["encoder"] == "h264" and len(state["viewers"]) == 2
        await one.until_pictures(one.pictures + 5)


@in_loop
async def test_a_booked_time_is_over(stage: RunningStage) -> None:
    async with booked(stage, expire_s=3) as room, watched(room):
        await until(lambda: room.of("ended"), "it expires")
        assert room.of("ended")[0]["reason"] == "expired" and room.now().charged == 1
        assert [e["seconds_left"] for e in room.of("expiring")] == []


@in_loop
async def test_a_time_that_was_extended_behind_its_back(stage: RunningStage) -> None:
    """The word of it was lost; the database knows."""
    async with booked(stage, expire_s=3) as room, watched(room):
        await asyncio.to_thread(stage.platform.rooms.extend, stage.owner, room.room.channel, 30)
        await until(lambda: room.of("extended"), "it lasts")
        assert not room.of("ended")


@in_loop
async def test_an_extension_warns_anew(stage: RunningStage) -> None:
    async with booked(stage, expire_s=12) as room, watched(room):
        await until(lambda: room.of("expiring"), "it warns")
        longer = await asyncio.to_thread(stage.platform.rooms.extend, stage.owner, room.room.channel, 20)
        await room.tell("extend", ExtendCommand(expires_ms=longer.expires_ms))
        state = await room.state()
        assert state["seconds_left"] > 20
        await until(lambda: room.of("extended"), "it is told")


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
            await room.tell("speak", said("c2", "你好", interrupt=True))
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
async def test_a_room_is_opened_once_and_strangers_are_not_let_in(stage: RunningStage) -> None:
    async with booked(stage) as room:
        await room.client.open(room.record, RoomSpec.model_validate(room.room.spec))
        async with httpx.AsyncClient(base_url=room.record.address, trust_env=False) as stranger:
            assert (await stranger.get("/status")).status_code == 401
            wrong = {"Authorization": "Bearer 0000"}
            assert (await stranger.delete(f"/rooms/{room.room.id}", headers=wrong)).status_code == 401
        assert room.now().is_open


@in_loop
async def test_rooms_and_commands_that_are_not_there(stage: RunningStage) -> None:
    async with booked(stage) as room:
        with pytest.raises(RequestError, match="cannot dance"):
            await room.tell("dance")
        with pytest.raises(RequestError):
            await room.client.offer(
                room.record, room.room.id, b"garbage", uid=1, may_publish=False, address="127.0.0.1"
            )
        with pytest.raises(NotFoundError):
            await room.client.drop(room.record, room.room.id, "nobody")
        with pytest.raises(NotFoundError):
            await room.client.state(room.record, "0" * 24)
        assert room.now().is_open


@in_loop
async def test_a_room_that_the_database_has_ended_is_dropped(stage: RunningStage) -> None:
    async with booked(stage) as room, watched(room):
        await asyncio.to_thread(stage.platform.rooms.end, room.room.id, EndReason.REMOVED)
        await until(lambda: room.of("ended"), "it is dropped")
        with pytest.raises((NotFoundError, ConflictError)):
            await room.tell("speak", said("c1"))


@in_loop
async def test_the_roll_tells_how_the_stage_is(stage: RunningStage) -> None:
    async with booked(stage) as room, watched(room):
        await until(lambda: stage.record.rooms == 1 and stage.record.load > 0, "its row says so")
        record = stage.record
        assert record.places >= 1 and record.capacity["speaking_ms"] > 0 and not record.draining
        assert record.late <= 1


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


def _used() -> tuple[int, int]:
    gc.collect()
    process = psutil.Process(os.getpid())
    return process.num_fds(), process.memory_info().rss


@pytest.mark.long
def test_thirty_rooms_opened_and_dropped_leave_nothing(stage: RunningStage) -> None:
    """Half of them without a goodbye."""

    async def one(number: int) -> None:
        async with booked(stage) as room, watched(room, "VP8" if number % 3 == 0 else "H264"):
            await room.tell("speak", said("c1"))
            if number % 2:
                await room.end()

    async def several(numbers: range) -> None:
        for first in range(numbers.start, numbers.stop, 3):
            await asyncio.gather(*(one(n) for n in range(first, min(first + 3, numbers.stop))))
        process = stage.process
        assert process is not None and process.stage is not None
        rooms = process.stage
        await until(lambda: not rooms.rooms, "all rooms have ended")

    asyncio.run(several(range(6)))
    fds, memory = _used()
    tasks = _stage_tasks(stage)
    asyncio.run(several(range(30)))
    after_fds, after_memory = _used()
    assert _stage_tasks(stage) == tasks
    assert after_fds <= fds + 2
    assert after_memory - memory < 40 << 20
    stage.check_books()


def _stage_tasks(stage: RunningStage) -> list[str]:
    assert stage.process is not None and stage.process._loop is not None
    loop = stage.process._loop

    async def names() -> list[str]:
        await asyncio.sleep(0.5)
        current = asyncio.current_task()
        return sorted(
            task.get_name() for task in asyncio.all_tasks() if task is not current and "Task-" not in task.get_name()
        )

    return asyncio.run_coroutine_threadsafe(names(), loop).result(timeout=10)


def test_a_stage_that_is_stopped_ends_its_rooms_and_leaves_the_roll(tmp_path: Path) -> None:
    with running_stage(tmp_path / "home") as stage:

        async def watch() -> dict[str, Any]:
            async with booked(stage) as room, watched(room):
                assert stage.process is not None
                stage.process.stop()
                await until(lambda: room.of("ended"), "it ends")
                return room.of("ended")[0]

        ended = asyncio.run(watch())
        assert ended["reason"] == "stage_stopped" and ended["charged"] == 1 and ended["refunded"] == 11
        stage.check_books()
    with running_stage(tmp_path / "home") as again:
        assert len(again.platform.rooms.stages()) == 1


def test_a_full_stage_takes_no_more(stage: RunningStage) -> None:
    from avatarium.errors import UnavailableError
    from avatarium.streaming.control import StageClient
    from avatarium.streaming.wire import RoomSpec

    async def fill() -> list[str]:
        client = StageClient(stage.platform.secret)
        specs = [RoomSpec.model_validate(stage.book(resolution=240).spec) for _ in range(3)]
        crowd = [specs[0].model_copy(update={"room_id": f"{n:024x}", "resolution": 512}) for n in range(1, 40)]
        codes = []
        try:
            for spec in crowd:
                try:
                    await client.open(stage.record, spec)
                except UnavailableError as problem:
                    codes.append(problem.code)
                    break
        finally:
            for spec in crowd:
                try:
                    await client._call("DELETE", stage.record, f"/rooms/{spec.room_id}", None)
                except NotFoundError:
                    break
            for spec in specs:
                await asyncio.to_thread(stage.platform.rooms.end, spec.room_id, EndReason.LEFT)
            await client.close()
        return codes

    assert asyncio.run(fill()) == ["stage_full"]


@in_loop
async def test_media_over_one_connection(stage: RunningStage) -> None:
    """For viewers behind firewalls that let nothing else through."""
    async with booked(stage) as room:
        headers = {"X-Viewer-Uid": "5", "X-May-Publish": "0"}
        async with room.client.socket(room.record, f"/rooms/{room.room.id}/watch", headers) as socket:
            await socket.send(json.dumps({"type": "start", "audio": ["opus"]}))
            tracks: set[int] = set()
            received = 0
            async with asyncio.timeout(20):
                while tracks != {0, 1} or received < 20:
                    message = await socket.recv()
                    if isinstance(message, bytes):
                        tracks.add(message[0])
                        received += 1
                        await socket.send(json.dumps({"type": "got", "n": received}))
            (viewer,) = (await room.state())["viewers"]
            assert viewer["uid"] == 5 and viewer["connected"]
            with pytest.raises(NotFoundError):  # what is shown of a viewer opens nothing
                await room.client.patch(room.record, room.room.id, viewer["id"], b"a=ice-ufrag:abcd")
        await until(lambda: room.of("ended"), "its viewer is lost")
