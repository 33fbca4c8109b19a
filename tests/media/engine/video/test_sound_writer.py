"""Writing sound: what is read back is what was written, to the sample; a file is whole or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from avatarium.engine.video import SoundWriter, read_sound
from avatarium.engine.video.sound_writer import MP3_RATES
from avatarium.errors import AvatariumError, OptionError, OutputError

RATE = 24000


def noise(samples: int, rate: int = RATE, level: float = 0.15) -> NDArray[np.float32]:
    """Noise below 4 kHz with an envelope that never repeats, so that a shift by one sample shows."""
    rng = np.random.default_rng(7)
    spectrum = np.fft.rfft(rng.normal(size=samples))
    spectrum[np.fft.rfftfreq(samples, 1 / rate) > 4000] = 0
    sound = np.fft.irfft(spectrum, samples)
    return np.asarray((level * sound / np.abs(sound).std()).clip(-1, 1), np.float32)


def lag(made: NDArray[np.float32], told: NDArray[np.float32]) -> int:
    """By how many samples ``made`` is late."""
    size = 1 << (len(told) * 2).bit_length()
    product = np.fft.irfft(np.fft.rfft(made, size) * np.conj(np.fft.rfft(told, size)))
    at = int(product.argmax())
    return at if at < size // 2 else at - size


@pytest.mark.parametrize("rate", MP3_RATES)
def test_an_mp3_has_as_many_samples_as_were_written_none_of_them_moved(rate: int, tmp_path: Path) -> None:
    told = noise(rate * 2 + 77, rate)
    with SoundWriter(tmp_path / "a.mp3", rate=rate) as writer:
        for at in range(0, len(told), 5000):
            writer.write(told[at : at + 5000])
    read = read_sound(tmp_path / "a.mp3", rate)
    assert (read.codec, read.source_rate, read.channels) == ("mp3float", rate, 1)
    assert len(read.samples) == len(told) == writer.samples
    assert lag(read.samples, told) == 0
    assert np.sqrt(np.mean((read.samples - told) ** 2) / np.mean(told**2)) < 0.15
    assert 20 * np.log10(np.std(read.samples) / np.std(told)) == pytest.approx(0, abs=0.1)


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 4000), min_size=1, max_size=6).filter(any))
def test_pieces_of_any_length_make_the_same_file(cuts: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cuts")
    told = noise(4000 * 6)[: sum(cuts)]
    for ending in ("mp3", "wav"):
        with SoundWriter(folder / f"whole.{ending}", rate=RATE) as writer:
            writer.write(told)
        with SoundWriter(folder / f"cut.{ending}", rate=RATE) as writer:
            for start, size in zip(np.cumsum([0, *cuts]), cuts, strict=False):
                writer.write(told[start : start + size])
        assert (folder / f"whole.{ending}").read_bytes() == (folder / f"cut.{ending}").read_bytes()


def test_a_wav_is_the_samples_in_sixteen_bits(tmp_path: Path) -> None:
    told = noise(RATE)
    told[100:103] = 3.0, -3.0, 0.5
    with SoundWriter(tmp_path / "a.WAV", rate=RATE) as writer:
        writer.write(told)
    read = read_sound(tmp_path / "a.WAV", RATE).samples
    assert np.abs(read - told.clip(-1, 1)).max() <= 1.6 / 32768
    assert read[100] > 0.99 > -0.99 > read[101]


def test_a_failure_leaves_what_was_there_before_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"before")
    with pytest.raises(ZeroDivisionError), SoundWriter(path, rate=RATE) as writer:
        writer.write(noise(RATE))
        raise ZeroDivisionError
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.mp3", b"before")]


@pytest.mark.parametrize(
    ("name", "rate", "code"),
    [
        ("a.ogg", RATE, "sound_format"),
        ("a", RATE, "sound_format"),
        ("a.mp3", 12345, "sound_rate"),
        ("no/a.mp3", RATE, "output_folder_missing"),
        ("folder.mp3", RATE, "output_is_folder"),
    ],
)
def test_what_cannot_be_written_is_said_at_once(name: str, rate: int, code: str, tmp_path: Path) -> None:
    (tmp_path / "folder.mp3").mkdir()
    with pytest.raises(AvatariumError) as caught:
        SoundWriter(tmp_path / name, rate=rate)
    assert caught.value.code == code
    assert isinstance(caught.value, OptionError | OutputError)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.mp3"]


def test_an_empty_file_is_none(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught, SoundWriter(tmp_path / "a.wav", rate=RATE):
        pass
    assert caught.value.code == "output_empty"
    assert list(tmp_path.iterdir()) == []
