"""Taking in clips of every kind: each frame tells its own number, so that what comes out is compared with the truth."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.video.intake import Clip
from avatarium.engine.video.tonemap import BT2020, HLG, PQ, pq_coded
from bench.likeness.clip import read_frames, read_sound
from tests.support.clip_intake import COUNT, SECONDS, db, numbers, pictures, taken
from tests.support.clip_making import RATE, Picture, encode, number_in, numbered, voice


def test_a_plain_clip_stays_as_it_is(tmp_path: Path) -> None:
    source = encode(tmp_path / "a.mp4", map(numbered, range(COUNT)), sound=voice(SECONDS))
    clip = taken(source)
    assert (clip.width, clip.height, clip.frames, clip.notes) == (320, 240, COUNT, ())
    shown = pictures(clip)
    assert [number_in(picture) for picture in shown] == list(range(COUNT))
    assert min(db(now, frame.picture) for now, frame in zip(shown, read_frames(source), strict=True)) > 42
    with av.open(str(clip.path)) as file:
        stream = file.streams.video[0]
        keys = [
            packet.pts * packet.time_base
            for packet in file.demux(stream)
            if packet.is_keyframe and packet.pts is not None
        ]
        assert stream.average_rate == 25 and stream.codec_context.pix_fmt == "yuv420p"
        assert stream.codec_context.colorspace == stream.codec_context.color_trc == 1
        assert not file.streams.audio
    assert np.diff(np.array(keys, float)).max() <= 1.0
    assert clip.sound is not None
    with av.open(str(clip.sound)) as file:
        track = file.streams.audio[0]
        assert (track.rate, track.codec_context.layout.nb_channels, track.codec_context.name) == (RATE, 1, "pcm_s16le")
        assert track.duration == SECONDS * RATE


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_phone_video_stands_upright(tmp_path: Path, rotation: int) -> None:
    upright = [numbered(number, 240, 320) for number in range(COUNT)]
    stored = (np.ascontiguousarray(np.rot90(picture, -rotation // 90)) for picture in upright)
    clip = taken(encode(tmp_path / "turned.mp4", stored, rotation=rotation))
    assert (clip.width, clip.height) == (240, 320)
    shown = pictures(clip)
    assert [number_in(picture) for picture in shown] == list(range(COUNT))
    assert db(shown[7], upright[7]) > 30
    assert any("upright" in note for note in clip.notes)


@pytest.mark.parametrize("fps", [15, 24, 30, 60])
def test_every_rate_becomes_25_and_each_frame_is_the_one_of_its_time(tmp_path: Path, fps: int) -> None:
    source = encode(tmp_path / "rate.mp4", map(numbered, range(fps * SECONDS)), rate=fps, base=Fraction(1, fps))
    clip = taken(source)
    assert clip.frames == COUNT
    assert numbers(clip) == [int((k + 0.5) / 25 * fps + 1e-6) for k in range(COUNT)]
    assert any("25" in note for note in clip.notes)


def test_a_variable_rate_becomes_constant(tmp_path: Path) -> None:
    steps = np.random.default_rng(5).integers(20, 90, 70)
    starts_ms = np.concatenate(([0], np.cumsum(steps)))[:70]
    source = encode(
        tmp_path / "vfr.mp4", map(numbered, range(70)), times=lambda k: int(starts_ms[k]), base=Fraction(1, 1000)
    )
    shown = numbers(taken(source))
    for k, number in enumerate(shown[:-2]):
        middle_ms = (k + 0.5) * 40
        assert starts_ms[number] <= middle_ms and (number == 69 or middle_ms <= starts_ms[number + 1])


def fields(number: int, *, top_first: bool) -> Picture:
    """A frame whose two fields are the moments ``2 * number`` and ``2 * number + 1`` of a fast picture."""
    first, second = (moving_edges(2 * number + k) for k in (0, 1))
    woven = first.copy()
    woven[1 if top_first else 0 :: 2] = second[1 if top_first else 0 :: 2]
    return woven


def moving_edges(moment: int) -> Picture:
    x, _ = np.meshgrid(np.arange(352), np.arange(288))
    level = np.where(((x + 4 * moment) // 22) % 2 == 0, 60, 190).astype(np.uint8)
    return np.repeat(level[..., None], 3, axis=2)


def combing(picture: Picture) -> float:
    grey = picture.mean(axis=2)
    return float(np.abs(grey[1:-1] - (grey[:-2] + grey[2:]) / 2).mean())


@pytest.mark.parametrize("top_first", [True, False])
@pytest.mark.parametrize("flagged", [True, False])
def test_interlaced_pictures_are_made_whole_whatever_the_header_says(
    tmp_path: Path, top_first: bool, flagged: bool
) -> None:
    order = "tff=1" if top_first else "bff=1"
    choices = {"x264-params": order, "flags": "+ildct+ilme"} if flagged else {}
    woven = (fields(number, top_first=top_first) for number in range(COUNT))
    source = encode(tmp_path / "woven.mp4", woven, choices=choices)
    assert combing(next(read_frames(source)).picture) > 10
    clip = taken(source)
    shown = pictures(clip)
    assert clip.frames == COUNT
    assert max(combing(picture) for picture in shown[2:-2]) < 2
    assert any("interlaced" in note for note in clip.notes)
    apart = [db(shown[k], moving_edges(2 * k)) for k in range(2, COUNT - 2)]
    assert np.median(apart) > 22, "the pictures are those of the first fields, in order"


def test_progressive_pictures_are_left_alone(tmp_path: Path) -> None:
    clip = taken(encode(tmp_path / "p.mp4", (moving_edges(2 * number) for number in range(COUNT))))
    assert not any("interlaced" in note for note in clip.notes)
    assert db(pictures(clip)[20], moving_edges(40)) > 35


@pytest.mark.long
def test_4k_is_made_smaller(tmp_path: Path) -> None:
    source = encode(tmp_path / "4k.mp4", (numbered(k, 3840, 2160) for k in range(30)), rate=10, base=Fraction(1, 10))
    clip = taken(source, min_s=2.5)
    assert (clip.width, clip.height) == (1920, 1080)
    assert numbers(clip)[::5] == [int((k + 0.5) / 2.5) for k in range(0, 75, 5)]


def graded(light: NDArray[np.float64], transfer: int) -> av.VideoFrame:
    """A 10-bit BT.2020 frame of light in BT.709 primaries, 1 being 203 cd/m2: written from the standards, by hand."""
    wide = (
        light
        @ np.linalg.inv(
            np.array([[1.660491, -0.587641, -0.07285], [-0.12455, 1.1329, -0.008349], [-0.018151, -0.100579, 1.11873]])
        ).T
    )
    if transfer == PQ:
        coded = pq_coded(wide * 203)
    else:
        luma = np.maximum(wide @ np.array([0.2627, 0.678, 0.0593]), 1e-9)[..., None] * 0.203
        scene = wide * 0.203 * luma ** (1 / 1.2 - 1)
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        coded = np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)
    y = coded @ np.array([0.2627, 0.678, 0.0593])
    planes = [64 + 876 * y]
    for channel, scale in ((2, 1.8814), (0, 1.4746)):
        half = ((coded[..., channel] - y) / scale)[::2, ::2]
        planes.append(512 + 896 * half)
    frame = av.VideoFrame(light.shape[1], light.shape[0], "yuv420p10le")
    for plane, values in zip(frame.planes, planes, strict=True):
        room = np.frombuffer(memoryview(plane), np.uint16).reshape(plane.height, -1)
        room[:, : plane.width] = np.rint(values).astype(np.uint16)
    return frame


def patches(number: int) -> Picture:
    """Skin, grass, sky, greys, in blocks that move."""
    colours = np.array(
        [[170, 120, 100], [90, 70, 60], [60, 110, 50], [70, 100, 150], [40, 40, 40], [100, 100, 100], [160, 160, 160]]
    )
    x, y = np.meshgrid(np.arange(320), np.arange(240))
    return np.asarray(colours[((x + 2 * number) // 40 + y // 60) % 7], np.uint8)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_hdr_comes_out_with_the_colours_it_was_graded_with(tmp_path: Path, transfer: int) -> None:
    frames = (graded((patches(k) / 255.0) ** 2.4, transfer) for k in range(COUNT))
    source = encode(
        tmp_path / "hdr.mp4", frames, pixels="yuv420p10le", colour=(BT2020, transfer, 9), choices={"crf": "2"}
    )
    clip = taken(source)
    shown = pictures(clip)[10].astype(float)
    truth = patches(10)
    inside = np.zeros((240, 320), bool)
    for colour in np.unique(truth.reshape(-1, 3), axis=0):
        area = (truth == colour).all(axis=2)
        area[1:] &= area[:-1]
        area[:, 3:] &= area[:, :-3]
        area[:, :-3] &= area[:, 3:]
        inside |= area
        seen = np.median(shown[area], axis=0)
        assert np.abs(seen - colour).max() <= 5, f"{colour} came out as {seen}"
    assert inside.mean() > 0.5
    assert any("HDR" in note for note in clip.notes)
    with av.open(str(clip.path)) as file:
        context = file.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace) == (1, 1, 1)


def test_highlights_of_hdr_are_bent_and_stay_in_order(tmp_path: Path) -> None:
    ramp = np.repeat(np.linspace(0, 4.9, 320)[None, :, None] ** 1.0 * np.ones((240, 1, 3)), 1, axis=0)
    frames = (graded(np.roll(ramp, k % 2, axis=0) * (1 - 0.004 * k), PQ) for k in range(COUNT))
    clip = taken(encode(tmp_path / "ramp.mp4", frames, pixels="yuv420p10le", colour=(BT2020, PQ, 9)))
    row = pictures(clip)[0][100].astype(float).mean(axis=1)
    assert row[-1] > 248 and row[65] < 240, "reference white is below full white, the peak is full white"
    smooth = np.convolve(row, np.ones(9) / 9, "valid")
    assert np.diff(smooth).min() > -0.7


def test_oblong_pixels_become_square(tmp_path: Path) -> None:
    clip = taken(encode(tmp_path / "sar.mp4", (numbered(k, 720, 576) for k in range(COUNT)), shape=Fraction(16, 11)))
    assert (clip.width, clip.height) == (1048, 576)
    assert numbers(clip) == list(range(COUNT))


def test_odd_sides_become_even(tmp_path: Path) -> None:
    source = tmp_path / "odd.mkv"
    encode(source, (numbered(k, 321, 241) for k in range(COUNT)), pixels="yuv444p")
    clip = taken(source)
    assert (clip.width, clip.height) == (320, 240)
    assert numbers(clip) == list(range(COUNT))


def flash_and_click(clip: Clip) -> tuple[float, float]:
    """When the white frame begins and when the click begins, in seconds."""
    bright = np.array([picture[60:].mean() for picture in pictures(clip)])
    assert clip.sound is not None
    samples = read_sound(clip.sound, RATE)
    assert len(samples) == clip.frames * RATE // 25
    return int(bright.argmax()) / 25, int((np.abs(samples) > 0.5).argmax()) / RATE


def flashing(number: int, first: int, frames: int = 1) -> Picture:
    picture = numbered(number)
    if first <= number < first + frames:
        picture[60:] = 255
    return picture


@pytest.mark.parametrize("fps", [25, 30, 50])
@pytest.mark.parametrize("late_s", [0.0, 0.7])
def test_sound_and_picture_stay_together(tmp_path: Path, fps: int, late_s: float) -> None:
    """``late_s``: the sound track begins so much later than the picture."""
    first, frames = round(2.0 * fps), max(1, fps // 25)
    source = encode(
        tmp_path / "sync.mp4",
        (flashing(number, first, frames) for number in range(fps * SECONDS)),
        rate=fps,
        base=Fraction(1, fps),
        sound=voice(SECONDS - late_s, clicks_s=[2.0 - late_s]),
        sound_at_s=late_s,
    )
    seen_s, heard_s = flash_and_click(taken(source))
    assert seen_s == pytest.approx(2.0, abs=0.02)
    assert heard_s == pytest.approx(seen_s, abs=0.04)


def test_a_picture_that_begins_late_keeps_its_sound(tmp_path: Path) -> None:
    source = encode(
        tmp_path / "late.mkv",
        (flashing(number, 50) for number in range(COUNT)),
        times=lambda k: 1000 + 40 * k,
        base=Fraction(1, 1000),
        sound=voice(SECONDS + 1, clicks_s=[3.0]),
    )
    seen_s, heard_s = flash_and_click(taken(source))
    assert seen_s == pytest.approx(2.0, abs=0.02)
    assert heard_s == pytest.approx(seen_s, abs=0.04)


def test_a_silent_film_has_no_sound(tmp_path: Path) -> None:
    clip = taken(encode(tmp_path / "mute.mp4", map(numbered, range(COUNT))))
    assert clip.sound is None and clip.notes == (), "the advice says so, and what it is needed for"
    silent = taken(
        encode(tmp_path / "zero.mp4", map(numbered, range(COUNT)), sound=np.zeros(SECONDS * RATE, np.float32))
    )
    assert silent.sound is None and any("silent" in note for note in silent.notes)


@pytest.mark.parametrize(("seconds", "word"), [(2.0, "ends"), (6.0, "cut")])
def test_sound_of_another_length_is_made_to_fit(tmp_path: Path, seconds: float, word: str) -> None:
    source = encode(tmp_path / "sound.mp4", map(numbered, range(COUNT)), sound=voice(seconds))
    clip = taken(source)
    assert clip.frames == COUNT and clip.sound is not None
    samples = read_sound(clip.sound, RATE)
    assert len(samples) == SECONDS * RATE
    assert float(np.abs(samples[:RATE]).max()) > 0.01
    assert (float(np.abs(samples[-RATE:]).max()) > 0.01) == (seconds > SECONDS)
    assert any(word in note for note in clip.notes)


def test_several_streams_are_no_trouble(tmp_path: Path) -> None:
    source = encode(tmp_path / "many.mkv", map(numbered, range(COUNT)), sound=voice(SECONDS), extra_streams=2)
    clip = taken(source)
    assert clip.sound is not None and numbers(clip) == list(range(COUNT))


def test_only_the_beginning_of_a_long_clip_is_used(tmp_path: Path) -> None:
    source = encode(tmp_path / "long.mp4", map(numbered, range(200)), sound=voice(8))
    clip = taken(source, keep_s=4)
    assert numbers(clip) == list(range(COUNT))
    assert any("first 4 seconds" in note for note in clip.notes)


def test_a_clip_that_changes_its_size_on_the_way_goes_on(tmp_path: Path) -> None:
    """Browsers record so when a line becomes slow."""
    source = tmp_path / "sizes.avi"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuvj420p"
        container.start_encoding()
        for number in range(120):
            size = (160, 120) if 40 <= number < 80 else (320, 240)
            coder = av.CodecContext.create("mjpeg", "w")
            assert isinstance(coder, av.VideoCodecContext)
            coder.width, coder.height, coder.pix_fmt, coder.time_base = *size, "yuvj420p", Fraction(1, 25)
            frame = av.VideoFrame.from_ndarray(numbered(number, *size), format="rgb24").reformat(format="yuvj420p")
            for packet in (*coder.encode(frame), *coder.encode(None)):
                packet.pts = packet.dts = number
                packet.time_base, packet.stream = Fraction(1, 25), stream
                container.mux(packet)
    clip = taken(source)
    assert (clip.width, clip.height) == (320, 240)
    assert numbers(clip) == list(range(120))
