"""Voice and background taken apart, on mixtures whose parts are known."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.speech.separation import RATE, Stems, read_stem, separate
from avatarium.engine.video.sound import read_sound
from avatarium.engine.video.stereo import stereo_blocks
from avatarium.errors import AudioError

Floats = NDArray[np.float64]


def music(length: int) -> Floats:
    """Plucked chords and a drum, half a second each."""
    random = np.random.default_rng(1)
    made = np.zeros(length)
    step = RATE // 2
    for number, at in enumerate(range(0, length - step, step)):
        t = np.arange(step) / RATE
        root = 220 * 2 ** ((0, 5, 7, 3)[number // 4 % 4] / 12)
        for note in (0, 4, 7, 12):
            for k in range(1, 6):
                made[at : at + step] += np.sin(2 * np.pi * root * 2 ** (note / 12) * k * t) * np.exp(-3 * t) / k**1.5
        made[at : at + step] += random.normal(0, 1.5, step) * np.exp(-60 * t)
    loudest = float(np.abs(made).max())
    return np.asarray(made / loudest, np.float64)


def si_sdr(truth: Floats, found: Floats) -> float:
    """Scale-invariant signal to distortion ratio in dB (Le Roux et al. 2019)."""
    truth, found = truth - truth.mean(), found - found.mean()
    part = truth * (found @ truth) / (truth @ truth)
    return float(10 * np.log10((part @ part) / ((found - part) @ (found - part))))


def write(path: Path, samples: Floats) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())


def test_a_voice_over_music_is_taken_apart_and_nothing_is_lost(media: Path, tmp_path: Path) -> None:
    voice = read_sound(media / "speech/en-latentsync-2.wav", RATE).samples[: 16 * RATE].astype(float)
    behind = music(len(voice)) * voice.std() / 0.15
    behind *= voice.std() / behind.std()
    mixture = (voice + behind) / np.abs(voice + behind).max() * 0.9
    write(tmp_path / "mix.wav", mixture)
    stems = separate(tmp_path / "mix.wav", tmp_path)
    own, rest = read_stem(stems.voice), read_stem(stems.background)
    assert si_sdr(voice, own[:, 0].astype(float)) > 8
    assert si_sdr(behind, rest[:, 0].astype(float)) > 8
    assert len(own) == len(mixture)
    whole = np.rint((own + rest)[:, 0] * 32768).astype(int)
    read_back = np.rint(mixture * 32767).astype(int)
    # The decoder may round one step differently; what the stems add up to is the mixture.
    assert np.abs(whole - read_back).max() <= 1


def test_one_channel_is_as_loud_in_two(tmp_path: Path) -> None:
    """FFmpeg turns one channel down by 3 dB when it makes two of it; a dubbing of a mono video was quieter."""
    t = np.arange(2 * RATE) / RATE
    write(tmp_path / "tone.wav", 0.5 * np.sin(2 * np.pi * 440 * t))
    whole = np.concatenate(list(stereo_blocks(tmp_path / "tone.wav", RATE, max_s=10)))
    assert np.abs(whole).max(axis=0) == pytest.approx([0.5, 0.5], abs=0.001)


def test_windows_leave_no_seam(media: Path, tmp_path: Path) -> None:
    """The background of a steady tone does not step where one window of the network ends."""
    t = np.arange(24 * RATE) / RATE
    write(tmp_path / "tone.wav", 0.3 * np.sin(2 * np.pi * 330 * t))
    stems = separate(tmp_path / "tone.wav", tmp_path)
    level = (read_stem(stems.background)[:, 0].reshape(-1, RATE // 10) ** 2).mean(axis=1)
    assert np.abs(np.diff(10 * np.log10(level[5:-5]))).max() < 0.5


def test_silence_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path / "silence.wav", np.zeros(RATE))
    with pytest.raises(AudioError) as refused:
        separate(tmp_path / "silence.wav", tmp_path)
    assert refused.value.code == "silent_audio"
    assert [path.name for path in tmp_path.iterdir()] == ["silence.wav"]


def test_work_that_is_ended_leaves_nothing(media: Path, tmp_path: Path) -> None:
    class Ended(Exception):
        pass

    def end(seconds: float) -> None:
        raise Ended

    with pytest.raises(Ended):
        separate(media / "speech/en-retalking-1.wav", tmp_path, progress=end)
    assert not any(tmp_path.iterdir())
    assert not Stems.in_folder(tmp_path).there
