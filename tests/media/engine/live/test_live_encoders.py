"""Live pictures as decoders see them: at once, in the right colours, at the rate that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any, cast

import av
import cv2
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from avatarium.engine.live import FPS, I420, TICK_PTS, Coded, H264Encoder, PictureEncoder, Vp8Encoder
from avatarium.engine.video import Size

SIZE = Size(320, 240)
DECODERS = {H264Encoder: "h264", Vp8Encoder: "vp8"}
KINDS = list(DECODERS)
SPS, IDR = 7, 5
SMPTE170M = 6


def scene(frames: int, noise: float = 0.0, seed: int = 0, size: Size = SIZE) -> Iterator[I420]:
    """A soft coloured picture that drifts; noise makes it dear to encode."""
    random = np.random.default_rng(seed)
    ground = cv2.GaussianBlur(random.integers(0, 256, (size.height, size.width + 200, 3)).astype(np.float32), (0, 0), 9)
    ground = (ground - ground.min()) / (ground.max() - ground.min()) * 255
    for number in range(frames):
        part = ground[:, number % 200 : number % 200 + size.width]
        rgb = np.clip(part + random.normal(0, noise, part.shape), 0, 255).astype(np.uint8)
        yield np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8)


def decoder(kind: type[Any]) -> VideoCodecContext:
    return cast(VideoCodecContext, av.CodecContext.create(DECODERS[kind], "r"))


def decoded(context: VideoCodecContext, coded: Coded) -> Any:
    [frame] = context.decode(av.Packet(coded.data))
    return frame


def encoded(encoder: PictureEncoder, frames: Iterator[I420], first: int = 0, **options: Any) -> list[Coded]:
    return [encoder.encode(f, (first + n) * TICK_PTS, **options) for n, f in enumerate(frames)]


def rate(coded: list[Coded]) -> float:
    return sum(len(c.data) for c in coded) * 8 * FPS / len(coded)


def nal_types(data: bytes) -> list[int]:
    """Kinds of the units of an Annex B stream (H.264 table 7-1)."""
    return [part[0] & 31 for part in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]]


@pytest.mark.parametrize("kind", KINDS)
def test_each_frame_can_be_seen_at_once_and_looks_as_it_did(kind: type[Any]) -> None:
    encoder, reader = kind(SIZE), decoder(kind)
    for number, frame in enumerate(scene(40)):
        seen = decoded(reader, encoder.encode(frame, number * TICK_PTS)).to_ndarray(format="yuv420p")
        if number > 5:
            error = np.mean((seen.astype(float) - frame) ** 2)
            assert 10 * np.log10(255**2 / error) > 38
    encoder.close()


@pytest.mark.parametrize("kind", KINDS)
def test_key_frames_come_first_and_when_asked_for_and_never_else(kind: type[Any]) -> None:
    encoder = kind(SIZE)
    keys = [encoder.encode(f, n * TICK_PTS, key=n == 20).key for n, f in enumerate(scene(300))]
    assert [n for n, key in enumerate(keys) if key] == [0, 20]


@pytest.mark.parametrize("kind", KINDS)
def test_a_late_viewer_sees_from_a_key_frame_on(kind: type[Any]) -> None:
    encoder = kind(SIZE)
    frames = list(scene(30))
    encoded(encoder, iter(frames[:20]))
    reader = decoder(kind)
    for number, frame in enumerate(frames[20:], 20):
        seen = decoded(reader, encoder.encode(frame, number * TICK_PTS, key=number == 20))
        assert np.abs(seen.to_ndarray(format="yuv420p").astype(float) - frame).mean() < 6


def test_h264_is_constrained_baseline_of_a_level_that_browsers_take_and_repeats_its_headers() -> None:
    for size, level in ((Size(512, 512), 30), (Size(1280, 720), 31), (Size(720, 1280), 31)):
        encoder = H264Encoder(size)
        for number in range(3):
            data = encoder.encode(next(scene(1, size=size)), number * TICK_PTS, key=True).data
            assert SPS in nal_types(data) and IDR in nal_types(data)
            parameters = data[data.index(b"\x67") + 1 :][:3]
            assert parameters[0] == 66 and parameters[1] & 0x40 and parameters[2] == level


def test_h264_tells_the_matrix_of_its_colours() -> None:
    rgb = np.full((240, 320, 3), (200, 60, 40), np.uint8)
    frame = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8)
    seen = decoded(decoder(H264Encoder), H264Encoder(SIZE).encode(frame, 0))
    assert int(seen.colorspace) == SMPTE170M
    shown = seen.to_ndarray(format="rgb24", src_colorspace="ITU601")
    assert np.abs(shown.astype(int) - rgb).max() <= 4


@pytest.mark.parametrize("kind", KINDS)
def test_the_rate_holds_and_changes_while_running(kind: type[Any]) -> None:
    encoder, noisy, at = kind(SIZE, 800_000), list(scene(100, noise=9)), 0
    encoded(encoder, iter(noisy))
    for wanted in (250_000, 700_000, 120_000):
        at += 200
        encoder.bitrate = wanted
        coded = encoded(encoder, islice(cycle(noisy), 150), first=at)
        assert encoder.bitrate == wanted
        assert 0.75 < rate(coded[50:]) / wanted < 1.15
        assert sum(c.key for c in coded) == (kind is Vp8Encoder)


def test_a_quiet_time_is_not_spent_by_what_follows() -> None:
    """An idle face needs little; the speech after it must not take on top what was saved."""
    encoder = H264Encoder(SIZE, 150_000)
    still = next(scene(1))
    encoded(encoder, iter([still] * 500))
    speech = encoded(encoder, scene(75, noise=9, seed=1), first=500)
    assert rate(speech) < 1.5 * 150_000


@pytest.mark.parametrize("bitrate", [120_000, 300_000, 1_000_000])
def test_no_frame_holds_the_connection_up_for_long(bitrate: int) -> None:
    encoder = H264Encoder(SIZE, 1_000_000)
    encoded(encoder, scene(30, noise=9))
    encoder.bitrate = bitrate
    encoded(encoder, scene(50, noise=9), first=30)
    key = encoder.encode(next(scene(1, noise=9, seed=2)), 80 * TICK_PTS, key=True)
    assert key.key
    assert len(key.data) * 8 / bitrate < 0.5
    after = encoded(encoder, scene(50, noise=9), first=81)
    assert max(len(c.data) * 8 / bitrate for c in after) < 0.25


@pytest.mark.parametrize("kind", KINDS)
def test_frames_left_out_leave_more_for_the_others(kind: type[Any]) -> None:
    encoder, noisy = kind(SIZE, 200_000), list(scene(150, noise=9))
    for number, frame in enumerate(noisy):
        encoder.encode(frame, number * 2 * TICK_PTS)
    coded = [encoder.encode(frame, (300 + number * 2) * TICK_PTS) for number, frame in enumerate(noisy)]
    assert 0.7 < sum(len(c.data) for c in coded) * 8 * FPS / 2 / len(coded) / 200_000 < 1.3


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_move_costs_little(kind: type[Any]) -> None:
    encoder, still = kind(SIZE, 1_000_000), next(scene(1))
    assert rate(encoded(encoder, iter([still] * 100))[50:]) < 60_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_beyond_reason_is_held_within_bounds(kind: type[Any]) -> None:
    encoder = kind(SIZE, 10**9)
    assert encoder.bitrate == 4_000_000
    encoder.bitrate = 1
    assert encoder.bitrate == 50_000
    assert encoder.encode(next(scene(1)), 0).key


@pytest.mark.parametrize("kind", KINDS)
def test_the_picture_is_not_written_to(kind: type[Any]) -> None:
    frame: NDArray[np.uint8] = next(scene(1))
    before = frame.copy()
    frame.flags.writeable = False
    kind(SIZE).encode(frame, 0)
    np.testing.assert_array_equal(frame, before)


def held_pairs(frames: int) -> Iterator[I420]:
    """An idle face: each frame twice, the very same object, not to be written to."""
    for frame in scene(frames):
        frame.flags.writeable = False
        yield frame
        yield frame


def test_a_frame_again_is_a_dozen_bytes_and_every_decoder_shows_it_and_goes_on() -> None:
    """Numbers of frames are four bits: two hundred frames go round often enough."""
    encoder, reader = H264Encoder(SIZE), decoder(H264Encoder)
    before: NDArray[np.uint8] = np.empty(0, np.uint8)
    for number, frame in enumerate(held_pairs(100)):
        key = number in (60, 91)  # of the first of two, and of the second
        coded = encoder.encode(frame, number * TICK_PTS, key=key)
        shown = decoded(reader, coded).to_ndarray(format="yuv420p")
        assert coded.key == (key or number == 0)
        if number % 2 and not key:
            assert len(coded.data) < 16
            np.testing.assert_array_equal(shown, before)
        elif number > 5:
            error = np.mean((shown.astype(float) - frame) ** 2)
            assert 10 * np.log10(255**2 / error) > 38
        before = shown
    encoder.close()


def test_no_two_frames_in_a_row_are_no_references() -> None:
    still = next(held_pairs(1))
    coded = encoded(H264Encoder(SIZE), iter([still] * 6))
    references = [bool(c.data[c.data.rindex(b"\0\0\1") + 3] & 0x60) for c in coded]
    assert references == [True, False] * 3


def test_a_frame_that_may_have_been_written_to_is_coded() -> None:
    frame, reader, encoder = next(scene(1)), decoder(H264Encoder), H264Encoder(SIZE)
    decoded(reader, encoder.encode(frame, 0))
    frame[:] = 90
    shown = decoded(reader, encoder.encode(frame, TICK_PTS)).to_ndarray(format="yuv420p")
    assert abs(float(shown.mean()) - 90) < 3
