"""Taking in clips of every kind: each frame tells its own number, so that what comes out is compared with the truth."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import repeat
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from avatarium.engine.video import intake, intake_reading
from avatarium.engine.video.intake import Clip, Order, take_clip
from avatarium.engine.video.intake_child import FILE_BYTES, MEMORY_BYTES
from avatarium.engine.video.intake_making import make_clip
from avatarium.engine.video.tonemap import BT2020, HLG, PQ, pq_coded
from avatarium.errors import InputError
from bench.likeness.clip import read_frames, read_sound
from tests.support.clip_making import RATE, Picture, encode, number_in, numbered, voice

SECONDS = 4
COUNT = 25 * SECONDS


def taken(path: Path, *, min_s: float = 3.0, max_s: float = 600.0, keep_s: float = 60.0) -> Clip:
    """What the child process makes, made here: starting a process for each file takes seconds."""
    folder = path.parent / f"{path.name}.taken"
    folder.mkdir(exist_ok=True)
    order = Order(path=str(path), folder=str(folder), min_s=min_s, max_s=max_s, keep_s=keep_s, called=path.name)
    return make_clip(order, lambda _: None)


def pictures(clip: Clip) -> list[Picture]:
    return [frame.picture for frame in read_frames(clip.path)]


def numbers(clip: Clip) -> list[int]:
    return [number_in(picture) for picture in pictures(clip)]


def db(one: Picture, other: Picture) -> float:
    error = float(((one.astype(float) - other.astype(float)) ** 2).mean())
    return 10 * float(np.log10(255**2 / max(error, 1e-9)))


def refusal(path: Path, **limits: float) -> InputError:
    with pytest.raises(InputError) as caught:
        taken(path, **limits)
    assert path.name in caught.value.message
    assert caught.value.message.count(".") >= 2, "what is wrong, then what to do"
    return caught.value


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
    assert clip.sound is None and any("no sound" in note for note in clip.notes)
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


def test_a_clip_that_is_too_long_or_too_short_is_refused(tmp_path: Path) -> None:
    source = encode(tmp_path / "length.mp4", map(numbered, range(COUNT)))
    assert refusal(source, min_s=10).code == "clip_too_short"
    assert refusal(source, max_s=2).code == "clip_too_long"
    without_length = encode(tmp_path / "live.mkv", map(numbered, range(COUNT)), choices={})
    assert refusal(without_length, max_s=2, keep_s=1, min_s=0.5).code == "clip_too_long"


def test_a_file_that_is_cut_off_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mkv", map(numbered, range(200)), choices={"g": "25"}, sound=voice(8))
    data = whole.read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(data[: len(data) * 7 // 10])
    clip = taken(cut)
    assert COUNT < clip.frames < 160
    assert numbers(clip) == list(range(clip.frames))
    assert any("damaged" in note for note in clip.notes)
    assert refusal(cut, min_s=7).code == "clip_damaged"


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "avi"])
def test_a_file_with_a_hole_gives_its_longest_good_part(tmp_path: Path, ending: str) -> None:
    whole = encode(tmp_path / f"whole.{ending}", map(numbered, range(250)), choices={"g": "25", "bf": "0"})
    data = bytearray(whole.read_bytes())
    hole = slice(len(data) * 35 // 100, len(data) * 38 // 100)
    data[hole] = os.urandom(hole.stop - hole.start)
    broken = tmp_path / f"hole.{ending}"
    broken.write_bytes(data)
    clip = taken(broken)
    shown = numbers(clip)
    assert clip.frames > 3.5 * 25
    assert shown == list(range(shown[0], shown[0] + len(shown))), "no frame of the damaged part is among them"
    assert shown[0] > 80
    assert any("damaged" in note for note in clip.notes)


def test_a_file_without_its_index_is_refused(tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mp4", map(numbered, range(COUNT)))
    cut = tmp_path / "noindex.mp4"
    cut.write_bytes(whole.read_bytes()[:-4000])
    assert refusal(cut).code == "video_unreadable"


def _gif(path: Path, count: int) -> Path:
    frames = [Image.fromarray(numbered(10 * k)) for k in range(count)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=200)
    return path


@pytest.mark.parametrize(
    ("name", "make", "code"),
    [
        ("photo.mp4", lambda path: Image.fromarray(numbered(1)).save(path, "JPEG"), "still_picture"),
        ("moving.gif", lambda path: _gif(path, 4), "animated_picture"),
        ("moving.webp", lambda path: _gif(path, 4), "animated_picture"),
        ("single.gif", lambda path: _gif(path, 1), "still_picture"),
        ("letter.mp4", lambda path: path.write_text("Dear twin,\n" * 500), "not_a_video"),
        ("list.mp4", lambda path: path.write_text("#EXTM3U\n#EXTINF:9,\nfile:///etc/hostname\n"), "not_a_video"),
        ("noise.mp4", lambda path: path.write_bytes(bytes(range(1, 256)) * 80), "not_a_video"),
        ("nothing.mp4", lambda path: path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(900)), "video_unreadable"),
    ],
)
def test_what_is_no_video_is_named(tmp_path: Path, name: str, make: Callable[[Path], object], code: str) -> None:
    path = tmp_path / name
    make(path)
    assert refusal(path).code == code


def test_sound_alone_is_refused(tmp_path: Path, recordings: Path) -> None:
    assert refusal(recordings / "en-radio-1.wav").code == "video_no_picture"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.mp4") as caught:
        taken(tmp_path / "absent.mp4")
    assert caught.value.code == "video_missing"


def test_a_still_picture_as_a_video_is_told(tmp_path: Path) -> None:
    noise = np.random.default_rng(3)

    def grainy(_: int) -> Picture:
        still = numbered(77).astype(float) + noise.normal(0, 3, (240, 320, 1))
        return np.asarray(still.clip(0, 255), np.uint8)

    assert refusal(encode(tmp_path / "still.mp4", (numbered(77) for _ in range(COUNT)))).code == "still_picture"
    coarse = {"crf": "28"}
    assert refusal(encode(tmp_path / "grain.mp4", map(grainy, range(COUNT)), choices=coarse)).code == "still_picture"


def test_a_slideshow_is_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    slides = [np.repeat(np.repeat(rng.integers(0, 255, (6, 8, 3)), 40, 0), 40, 1).astype(np.uint8) for _ in range(4)]
    assert refusal(encode(tmp_path / "slides.mp4", (slides[k // 50] for k in range(200)))).code == "slideshow"


def test_too_few_pictures_a_second_are_told(tmp_path: Path) -> None:
    source = encode(tmp_path / "slow.mp4", (numbered(9 * k) for k in range(20)), rate=4, base=Fraction(1, 4))
    assert refusal(source).code == "too_few_pictures"


def test_a_person_who_only_breathes_is_no_still_picture(media: Path, tmp_path: Path) -> None:
    clip = take_clip(media / "talking-videos" / "woman-idle-720p.mp4", tmp_path, min_s=3, keep_s=4)
    assert clip.frames == COUNT and not any("stands still" in note for note in clip.notes)


def test_a_tiny_clip_is_refused(tmp_path: Path) -> None:
    assert refusal(encode(tmp_path / "tiny.mp4", (numbered(k, 144, 96) for k in range(COUNT)))).code == "clip_too_small"


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


def test_progress_rises_to_the_end(tmp_path: Path) -> None:
    source = encode(tmp_path / "p.mp4", map(numbered, range(COUNT)))
    told: list[float] = []
    take_clip(source, tmp_path, min_s=3, progress=told.append)
    assert told == sorted(told) and told[0] >= 0 and 0.8 < told[-1] <= 1


def test_nothing_is_left_in_the_folder_but_the_clip(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    source = encode(tmp_path / "a.mp4", map(numbered, range(COUNT)), sound=voice(4))
    clip = take_clip(source, folder, min_s=3)
    assert clip == taken_again(clip, source)
    assert sorted(path.name for path in folder.iterdir()) == ["clip.mp4", "clip.wav"]
    with pytest.raises(InputError) as caught:
        take_clip(source, folder, min_s=9)
    assert caught.value.code == "clip_too_short"
    assert sorted(path.name for path in folder.iterdir()) == ["clip.mp4", "clip.wav"]


def taken_again(clip: Clip, source: Path) -> Clip:
    """The same made in this process, with the paths of the first."""
    return replace(taken(source), path=clip.path, sound=clip.sound)


def instead(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a shell script be what the child is run by."""
    program = folder / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def test_a_child_that_dies_or_stalls_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    source = encode(tmp_path / "a.mp4", map(numbered, range(25)))
    instead(tmp_path, "echo overrun >&2; kill -SEGV $$", monkeypatch)
    with caplog.at_level("WARNING"), pytest.raises(InputError) as died:
        take_clip(source, tmp_path)
    assert died.value.code == "video_unreadable"
    assert "overrun" in caplog.text and str(-signal.SIGSEGV) in caplog.text
    instead(tmp_path, "exec sleep 60", monkeypatch)
    monkeypatch.setattr(intake, "STALL_S", 0.5)
    with pytest.raises(InputError) as stalled:
        take_clip(source, tmp_path)
    assert stalled.value.code == "clip_stalled"


def test_a_fault_of_ours_in_the_child_was_blamed_on_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = encode(tmp_path / "a.mp4", map(numbered, range(25)))
    instead(tmp_path, "echo AssertionError: never >&2; exit 1", monkeypatch)
    with pytest.raises(RuntimeError, match="AssertionError: never"):
        take_clip(source, tmp_path)


def test_opening_a_clip_ran_python_files_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = encode(tmp_path / "a.mp4", map(numbered, range(COUNT)))
    for name in ("resource", "av", "json"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')\nraise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    assert take_clip(source, tmp_path, min_s=3).frames == COUNT
    assert not (tmp_path / "was-run").exists()


def test_the_child_knew_the_secrets_of_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = encode(tmp_path / "a.mp4", map(numbered, range(25)))
    monkeypatch.setenv("AVATARIUM_DATABASE_URL", "postgresql://secret")
    instead(tmp_path, "env >&2; exit 1", monkeypatch)
    with pytest.raises(RuntimeError) as told:
        take_clip(source, tmp_path)
    assert "PATH=" in str(told.value) and "secret" not in str(told.value)


@pytest.mark.parametrize("called", [None, "me.mp4"])
def test_sentences_named_the_scratch_file(tmp_path: Path, called: str | None) -> None:
    for name, content in (("1-video", b"hello " * 99), ("2-video", b"\x00\x00\x00\x18ftypisom" + bytes(400))):
        (tmp_path / name).write_bytes(content)
    short = encode(tmp_path / "3-video.mp4", map(numbered, range(50))).rename(tmp_path / "3-video")
    for path in (tmp_path / "1-video", tmp_path / "2-video", short):
        with pytest.raises(InputError) as refused:
            take_clip(path, tmp_path, called=called)
        assert refused.value.message.startswith(called or "The video")
        assert path.name not in refused.value.message


def test_pictures_without_end_at_one_time_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = encode(tmp_path / "crowd.mp4", map(numbered, range(COUNT)))
    with av.open(str(source)) as file:
        first = next(file.decode(video=0))
    monkeypatch.setattr(intake_reading, "_decoded", lambda container, stream: repeat(first, 100_000))
    problem = refusal(source)
    assert problem.code == "video_unreadable" and "pictures within 0.0 seconds" in problem.message


def test_the_child_is_bounded(tmp_path: Path) -> None:
    words = "import resource, avatarium.engine.video.intake_child as c; c._bound(); print(resource.getrlimit(%s))"
    for kind, most in (("resource.RLIMIT_AS", MEMORY_BYTES), ("resource.RLIMIT_FSIZE", FILE_BYTES)):
        told = subprocess.run([sys.executable, "-c", words % kind], capture_output=True, text=True, check=True).stdout
        assert 0 < int(told.strip("()\n").split(",")[0]) <= most
