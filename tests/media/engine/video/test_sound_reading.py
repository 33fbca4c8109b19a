"""Reading sound: any rate and layout comes out mono, right in pitch, level and place; bad files are one clear error."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from avatarium.engine.video import Sound, VideoWriter, read_sound
from avatarium.errors import AudioError

MEDIA = Path(os.environ.get("AVATARIUM_TEST_MEDIA", Path(__file__).parents[5] / "shared" / "media"))


def tone(rate: int, seconds: float = 1.0, *, level: float = 0.5, hertz: float = 440.0) -> NDArray[np.float32]:
    return np.asarray(level * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate), np.float32)


def save(
    path: Path,
    channels: Sequence[NDArray[np.float32]],
    rate: int,
    *,
    layout: str = "mono",
    codec: str = "pcm_s16le",
    kind: str | None = None,
    start_s: float = 0.0,
) -> Path:
    """Encode channels with PyAV, in the container that the name tells or ``kind``."""
    with av.open(path, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, AudioStream)
        wanted = {"pcm_u8": "u8", "pcm_s24le": "s32", "flac": "s16", "pcm_f32le": "flt", "libopus": "flt"}
        wanted |= {"aac": "fltp", "libmp3lame": "fltp", "pcm_s16le": "s16", "pcm_s16be": "s16"}
        resampler = av.AudioResampler(format=wanted[codec], layout=layout, rate=rate, frame_size=1024)
        packed = np.stack(channels, axis=1).astype(np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate = rate
        frame.pts, frame.time_base = round(start_s * rate), Fraction(1, rate)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def pitch(sound: Sound) -> float:
    spectrum = np.abs(np.fft.rfft(sound.samples * np.hanning(len(sound.samples))))
    return float(spectrum.argmax() * sound.rate / len(sound.samples))


@pytest.mark.parametrize(
    ("name", "codec", "rate", "layout"),
    [
        ("a.wav", "pcm_s16le", 8000, "mono"),
        ("a.wav", "pcm_u8", 22050, "mono"),
        ("a.wav", "pcm_s24le", 48000, "stereo"),
        ("a.wav", "pcm_f32le", 96000, "5.1"),
        ("a.m4a", "aac", 48000, "7.1"),
        ("a.aiff", "pcm_s16be", 44100, "stereo"),
        ("a.flac", "flac", 48000, "stereo"),
        ("a.mp3", "libmp3lame", 44100, "stereo"),
        ("a.m4a", "aac", 44100, "stereo"),
        ("a.ogg", "libopus", 48000, "mono"),
        ("a.opus", "libopus", 48000, "stereo"),
        ("a.aac", "aac", 48000, "mono"),
        ("a.mka", "flac", 48000, "mono"),
    ],
)
def test_every_common_file(name: str, codec: str, rate: int, layout: str, tmp_path: Path) -> None:
    count = len(av.AudioLayout(layout).channels)
    path = save(tmp_path / name, [tone(rate)] * count, rate, layout=layout, codec=codec)
    renamed = path.rename(tmp_path / "no-ending")
    sound = read_sound(renamed, 24000)
    assert sound.samples.dtype == np.float32
    assert sound.samples.ndim == 1
    assert (sound.rate, sound.source_rate, sound.channels) == (24000, rate, count)
    assert sound.duration_s == pytest.approx(1.0, abs=0.06)
    assert pitch(sound) == pytest.approx(440, abs=1.5)
    # The same tone in every channel keeps its level: the weights sum to one, whatever the layout.
    middle = sound.samples[6000:18000]
    assert np.sqrt((middle**2).mean()) == pytest.approx(0.5 / 2**0.5, rel=0.06)  # LAME takes 5 % off
    assert not sound.clipped


@pytest.mark.parametrize("rate", [16000, 24000, 44100, 48000])
def test_a_click_stays_where_it_is(rate: int, tmp_path: Path) -> None:
    click = np.zeros(96000, np.float32)
    click[48000] = 0.9
    sound = read_sound(save(tmp_path / "a.wav", [click], 48000), rate)
    assert len(sound.samples) == pytest.approx(2 * rate, abs=1)
    assert np.abs(sound.samples).argmax() / rate == pytest.approx(1.0, abs=1 / rate)


def test_eight_planar_channels_do_not_crash_the_process(tmp_path: Path) -> None:
    """PyAV's ``AudioFrame.planes`` runs past its table with 7.1; where that is touched this run ends here."""
    path = save(tmp_path / "a.m4a", [tone(48000)] * 8, 48000, layout="7.1", codec="aac")
    for _ in range(5):
        assert read_sound(path).channels == 8


def test_full_scale_in_every_channel_does_not_clip(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", [tone(48000, level=0.98)] * 6, 48000, layout="5.1", codec="pcm_f32le")
    assert np.abs(read_sound(path, 48000).samples).max() == pytest.approx(0.98, abs=0.01)


def test_the_low_frequency_channel_is_left_out_and_the_centre_counts_most(tmp_path: Path) -> None:
    def level(channel: int) -> float:
        channels = [np.zeros(48000, np.float32)] * 6
        channels[channel] = tone(48000)
        path = save(tmp_path / f"{channel}.wav", channels, 48000, layout="5.1", codec="pcm_f32le")
        return float(np.abs(read_sound(path, 48000).samples).max())

    left, right, centre, low, surround, _ = [level(channel) for channel in range(6)]
    assert left == pytest.approx(right, rel=0.01)
    assert centre == pytest.approx(left * 2**0.5, rel=0.01)
    assert surround == pytest.approx(left / 2**0.5, rel=0.01)
    assert low < 1e-4


def test_the_sound_of_a_video_keeps_its_place(tmp_path: Path) -> None:
    """Read back from our own files, a click lies where it was written, to the sample or the millisecond of WebM."""
    click = np.zeros(48000, np.float32)
    click[24000:24024] = 0.8
    for ending, tolerance in (("mp4", 2 / 24000), ("webm", 0.0015)):
        path = tmp_path / f"a.{ending}"
        with VideoWriter(path, width=64, height=64, rate=24000) as writer:
            writer.write_sound(click)
            for _ in range(50):
                writer.write(np.zeros((64, 64, 3), np.uint8))
        found = read_sound(path, 24000).samples
        assert np.flatnonzero(np.abs(found) > 0.3)[0] / 24000 == pytest.approx(1.0, abs=tolerance)


def test_a_track_that_starts_late_starts_with_silence(tmp_path: Path) -> None:
    path = tmp_path / "late.mkv"
    with av.open(path, "w") as container:
        picture = container.add_stream("libx264", rate=25)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        track = container.add_stream("flac", rate=24000, layout="mono")
        for index in range(50):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts = index
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        for at in range(0, 24000, 1000):
            piece = av.AudioFrame.from_ndarray(
                (tone(24000)[None, at : at + 1000] * 32767).astype(np.int16), "s16", "mono"
            )
            piece.sample_rate, piece.pts, piece.time_base = 24000, 12000 + at, Fraction(1, 24000)
            container.mux(track.encode(piece))
        container.mux(track.encode(None))
    sound = read_sound(path, 24000)
    assert np.flatnonzero(np.abs(sound.samples) > 0.05)[0] / 24000 == pytest.approx(0.5, abs=0.003)
    assert sound.duration_s == pytest.approx(1.5, abs=0.01)


def test_clipping_is_told(tmp_path: Path) -> None:
    driven = np.clip(tone(24000, level=2.0), -1, 1)
    assert read_sound(save(tmp_path / "a.wav", [driven], 24000)).clipped
    assert read_sound(save(tmp_path / "b.wav", [driven], 24000, codec="pcm_u8")).clipped
    touching = tone(24000, level=1.0, hertz=1234.5)
    assert not read_sound(save(tmp_path / "c.wav", [touching], 24000)).clipped


def code_of(path: Path | str, **options: float) -> str:
    with pytest.raises(AudioError) as caught:
        read_sound(path, **options)  # type: ignore[arg-type]
    assert caught.value.message.endswith(".")
    return caught.value.code


@pytest.mark.parametrize("level", [0.0, 0.0005])
def test_silence_is_told(level: float, tmp_path: Path) -> None:
    assert code_of(save(tmp_path / "a.wav", [tone(24000, level=level)], 24000)) == "silent_audio"


def test_quiet_speech_is_not_silence(tmp_path: Path) -> None:
    sound = read_sound(save(tmp_path / "a.wav", [tone(24000, level=0.003)], 24000))
    assert sound.peak_dbfs == pytest.approx(-50.5, abs=0.5)


def test_files_that_are_no_sound(tmp_path: Path) -> None:
    assert code_of(tmp_path / "none.wav") == "sound_missing"
    assert code_of(tmp_path) == "sound_unreadable"
    (tmp_path / "empty.wav").touch()
    assert code_of(tmp_path / "empty.wav") == "sound_unreadable"
    (tmp_path / "text.mp3").write_text("no sound at all, only words " * 50)
    assert code_of(tmp_path / "text.mp3") == "sound_unreadable"
    (tmp_path / "noise.wav").write_bytes(np.random.default_rng(0).bytes(5000))
    assert code_of(tmp_path / "noise.wav") == "sound_unreadable"
    (tmp_path / "head.wav").write_bytes(b"RIFF\xff\xff\xff\x7fWAVEfmt ")
    assert code_of(tmp_path / "head.wav") == "sound_unreadable"
    (tmp_path / "head.m4a").write_bytes(b"\0\0\0\x18ftypM4A \0\0\0\0isommp42" + b"\0" * 200)
    assert code_of(tmp_path / "head.m4a") == "sound_unreadable"
    os.mkfifo(tmp_path / "pipe.wav")
    assert code_of(tmp_path / "pipe.wav") == "sound_unreadable"


def test_a_video_without_sound(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", width=64, height=64, rate=None) as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
    assert code_of(tmp_path / "a.mp4") == "sound_no_track"


@pytest.mark.parametrize("ending", ["mp3", "wav", "mp4", "m4a", "ogg"])
def test_playlists_open_nothing(ending: str, tmp_path: Path) -> None:
    """FFmpeg, left to guess, follows these to other files and addresses."""
    inner = save(tmp_path / "inner.wav", [tone(24000)], 24000)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.wav"
        lists = [
            f"ffconcat version 1.0\nfile {inner.name}\n",
            f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n#EXT-X-ENDLIST\n",
            f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{inner}\n#EXT-X-ENDLIST\n",
            f"<?xml version='1.0'?><MPD><BaseURL>{address}</BaseURL></MPD>",
            f"v=0\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\na=control:{address}\n",
        ]
        for text in lists:
            path = tmp_path / f"list.{ending}"
            path.write_text(text)
            assert code_of(path) == "sound_unreadable"
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_name_like_an_address_is_only_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a.wav", [tone(24000)], 24000).rename(tmp_path / "concat:a|b.wav")
    assert read_sound("concat:a|b.wav").duration_s == pytest.approx(1.0)
    assert code_of("http://127.0.0.1:1/a.wav") == "sound_missing"


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.flac", "flac")])
def test_a_file_cut_short_is_told(name: str, codec: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.2, 96000).astype(np.float32)
    path = save(tmp_path / name, [noise], 24000, codec=codec)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert code_of(path) == "sound_truncated"


def test_an_mp4_cut_short_is_damaged(tmp_path: Path) -> None:
    path = save(tmp_path / "a.m4a", [tone(24000, 4)], 24000, codec="aac")
    path.write_bytes(path.read_bytes()[:-2000])
    assert code_of(path) == "sound_unreadable"


def test_damaged_packets_are_left_out(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mp3", [tone(44100, 4)], 44100, codec="libmp3lame")
    data = bytearray(path.read_bytes())
    data[20000:20400] = bytes(400)
    path.write_bytes(data)
    assert read_sound(path).duration_s == pytest.approx(4, abs=0.3)


def test_too_long_a_file_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.flac", [tone(8000, 30)], 8000, codec="flac")
    assert code_of(path, max_s=20) == "sound_too_long"
    assert read_sound(path, max_s=31).duration_s == pytest.approx(30, abs=0.01)


@pytest.mark.skipif(not MEDIA.is_dir(), reason=f"the test media are not at {MEDIA}")
@pytest.mark.parametrize(
    ("name", "seconds"),
    [("speech/en-jfk.flac", 11.0), ("speech/de.wav", 9.34), ("talking-videos/woman-expressive-512.mp4", 14.97)],
)
def test_real_recordings(name: str, seconds: float) -> None:
    sound = read_sound(MEDIA / name, 16000)
    assert sound.duration_s == pytest.approx(seconds, abs=0.05)
    assert sound.peak_dbfs > -12
    assert not sound.clipped
