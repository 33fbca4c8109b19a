"""Viewers made of aiortc join a room: what they see and hear, and what is left when they go."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import weakref

import numpy as np
import pytest
import uvloop
from aiortc.mediastreams import AudioStreamTrack
from av import AudioFrame

from avatarium.errors import ConflictError, OutdatedError, RequestError
from avatarium.streaming.transports import ice as ice_module
from avatarium.streaming.transports import whep as whep_module
from avatarium.streaming.transports.ice import IceSettings
from avatarium.streaming.transports.whep import answer_offer
from tests.support.live_broadcast import Broadcast, broadcasting
from tests.support.live_receiving import Receiver, until, watching


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_a_viewer_sees_and_hears(codec: str) -> None:
    async def run() -> None:
        async with broadcasting(Broadcast()) as host, watching(host, codec=codec) as (viewer, receiver):
            assert viewer.codec == codec.lower()
            await receiver.until_pictures(30)
            await until(lambda: receiver.samples > 20_000 and bool(receiver.flashes_s and receiver.beeps_s))
            figures = viewer.figures()
            assert figures["transport"] == "webrtc" and figures["path"]
            await until(lambda: int(viewer.figures()["bitrate"] or 0) > 50_000)

    asyncio.run(run())


def test_a_viewer_sees_and_hears_on_uvloop_as_a_stage_runs() -> None:
    async def run() -> None:
        async with broadcasting(Broadcast()) as host, watching(host) as (viewer, receiver):
            await receiver.until_pictures(30)
            await receiver.close()
            async with asyncio.timeout(30):
                assert await host.lost.get() is viewer

    uvloop.run(run())


def test_who_comes_late_sees_a_picture_at_once_though_key_frames_are_rare() -> None:
    """The stream has one key frame in 400 s, unless somebody asks."""

    async def run() -> None:
        async with broadcasting(Broadcast()) as host, watching(host) as (_, first):
            await first.until_pictures(10)
            asked = len(host.keys)
            async with watching(host) as (_, second):
                await second.until_pictures(5)
            assert len(host.keys) > asked

    asyncio.run(run())


def test_events_wait_for_the_channel_and_come_in_order() -> None:
    async def run() -> None:
        async with broadcasting(Broadcast()) as host:
            receiver = Receiver()
            viewer, answer = await answer_offer(
                host, await receiver.offer(), uid=1, may_publish=False, ice=IceSettings(), size=host.size
            )
            host.admit(viewer)
            for number in range(3):
                viewer.send_event({"type": "word", "number": number})
            await receiver.accept(answer)
            async with asyncio.timeout(60):
                await host.connected.get()
            await until(lambda: len(receiver.messages) == 3)
            assert [json.loads(text)["number"] for text in receiver.messages] == [0, 1, 2]
            await receiver.close()

    asyncio.run(run())


class _Tone(AudioStreamTrack):
    """A microphone into which somebody hums."""

    async def recv(self) -> AudioFrame:
        frame = await super().recv()
        assert isinstance(frame, AudioFrame)
        tone = 8000 * np.sin(2 * np.pi * 440 * np.arange(frame.samples) / frame.sample_rate)
        frame.planes[0].update(tone.astype(np.int16).tobytes())
        return frame


@pytest.mark.parametrize("may_publish", [True, False])
def test_a_microphone_is_heard_only_from_those_who_may(may_publish: bool) -> None:
    async def run() -> None:
        async with broadcasting(Broadcast()) as host:
            receiver = Receiver()
            offer = await receiver.offer(microphone=_Tone())
            viewer, answer = await answer_offer(
                host, offer, uid=1, may_publish=may_publish, ice=IceSettings(), size=host.size
            )
            host.admit(viewer)
            await receiver.accept(answer)
            await receiver.until_pictures(25)
            if may_publish:
                await until(lambda: len(host.heard_pcm) > 15)
                heard = np.concatenate(host.heard_pcm[5:])
                assert heard.dtype == np.float32 and heard.ndim == 1
                assert 0.1 < np.abs(heard).max() < 0.6
                assert set(host.rates) == {48_000}
            else:
                assert not host.heard_pcm
                assert "a=sendonly" in answer and "a=sendrecv" not in answer
            await receiver.close()

    asyncio.run(run())


def test_a_goodbye_is_heard_at_once() -> None:
    async def run() -> None:
        async with broadcasting(Broadcast()) as host, watching(host) as (viewer, receiver):
            await receiver.close()
            async with asyncio.timeout(ice_module.CONSENT_ENDS_S - 1):
                assert await host.lost.get() is viewer
            assert not viewer.connected

    asyncio.run(run())


def test_who_never_connects_is_lost_after_the_handshake_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whep_module, "HANDSHAKE_S", 0.2)

    async def run() -> None:
        async with broadcasting(Broadcast()) as host:
            receiver = Receiver()
            viewer, _ = await answer_offer(
                host, await receiver.offer(), uid=1, may_publish=False, ice=IceSettings(), size=host.size
            )
            host.admit(viewer)
            async with asyncio.timeout(30):
                assert await host.lost.get() is viewer
            await receiver.close()

    asyncio.run(run())


def test_closing_twice_is_closing_once_and_the_host_is_not_told() -> None:
    async def run() -> None:
        async with broadcasting(Broadcast()) as host, watching(host) as (viewer, _):
            host.viewers.clear()
            await asyncio.gather(viewer.close(), viewer.close())
            await viewer.close()
            assert host.lost.empty()

    asyncio.run(run())


def test_a_wrong_offer_leaves_nothing_behind() -> None:
    async def run() -> None:
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(RequestError) as refused:
            await answer_offer(
                Broadcast(), "v=0\r\nnonsense", uid=1, may_publish=False, ice=IceSettings(), size=(320, 240)
            )
        assert refused.value.code == "bad_sdp"
        assert len(os.listdir("/proc/self/fd")) <= before

    asyncio.run(run())


def test_candidates_may_come_later_and_a_stranger_s_fragment_does_not_restart_what_is_not_up() -> None:
    async def run() -> None:
        async with broadcasting(Broadcast()) as host:
            receiver = Receiver()
            offer = await receiver.offer()
            lines = offer.splitlines()
            candidates = [line for line in lines if line.startswith("a=candidate:")]
            bare = "\r\n".join(line for line in lines if line not in candidates) + "\r\n"
            viewer, answer = await answer_offer(host, bare, uid=1, may_publish=False, ice=IceSettings(), size=host.size)
            host.admit(viewer)
            with pytest.raises(ConflictError, match="POST a new offer"):
                await viewer.patch("a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n")
            identity = [line for line in lines if line.startswith(("a=ice-ufrag:", "a=ice-pwd:"))][:2]
            late = "\r\n".join([*identity, "m=audio 9 X 0", "a=mid:0", *candidates])
            assert await viewer.patch(late) is None
            await receiver.accept(answer)
            await receiver.until_pictures(3)
            await receiver.close()

    asyncio.run(run())


def test_late_candidates_of_a_session_that_is_over_are_not_taken_for_a_restart() -> None:
    async def run() -> None:
        async with broadcasting(Broadcast()) as host:
            receiver = Receiver()
            offer = await receiver.offer()
            viewer, answer = await answer_offer(
                host, offer, uid=1, may_publish=False, ice=IceSettings(), size=host.size
            )
            host.admit(viewer)
            (tag,) = {line.partition(":")[2] for line in answer.splitlines() if line.startswith("a=ice-ufrag:")}
            await receiver.accept(answer)
            await receiver.until_pictures(3)
            stranger = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
            with pytest.raises(OutdatedError, match="restart has ended"):
                await viewer.patch(stranger, if_match='"earlier"')
            own = [line for line in offer.splitlines() if line.startswith(("a=ice-ufrag:", "a=ice-pwd:"))][:2]
            for good in ("*", f'"{tag}"', f'"earlier", "{tag}"', ""):
                assert await viewer.patch("\r\n".join(own), if_match=good) is None
            await receiver.close()

    asyncio.run(run())


def _vanish(receiver: Receiver) -> None:
    """The network of a viewer is gone, from one moment to the next."""
    transport = receiver.pc.getTransceivers()[0].receiver.transport.transport
    for protocol in transport._connection._protocols:
        protocol.transport.abort()


def test_twenty_viewers_come_and_go_half_of_them_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice_module, "CONSENT_EVERY_S", 0.2)
    monkeypatch.setattr(ice_module, "CONSENT_ENDS_S", 1.5)

    async def visit(host: Broadcast, seen: list[weakref.ref[object]], *, polite: bool) -> None:
        receiver = Receiver()
        offer = await receiver.offer()
        viewer, answer = await answer_offer(host, offer, uid=1, may_publish=False, ice=IceSettings(), size=host.size)
        seen.append(weakref.ref(viewer))
        host.admit(viewer)
        await receiver.accept(answer)
        await receiver.until_pictures(2)
        if not polite:
            _vanish(receiver)
            await until(lambda: viewer.id not in host.viewers)
        await receiver.close()
        await until(lambda: viewer.id not in host.viewers)

    async def run() -> None:
        async with broadcasting(Broadcast(size=(64, 64))) as host:
            seen: list[weakref.ref[object]] = []
            await visit(host, seen, polite=True)
            await asyncio.gather(*host.farewells)
            tasks, files = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
            for _ in range(5):
                await asyncio.gather(*(visit(host, seen, polite=number % 2 == 0) for number in range(4)))
            await asyncio.gather(*host.farewells)
            while not host.lost.empty():
                host.lost.get_nowait()
            while not host.connected.empty():
                host.connected.get_nowait()
            host.farewells.clear()
            assert len(seen) == 21
            await until(lambda: gc.collect() >= 0 and all(gone() is None for gone in seen))
            await until(lambda: len(asyncio.all_tasks()) <= tasks)
            await until(lambda: len(os.listdir("/proc/self/fd")) <= files)

    asyncio.run(run())
