from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from avatarium.engine.speech import Samples, Speech, phonemes_from_audio, synthesize
from avatarium.engine.video.sound import read_sound
from avatarium.errors import AudioError

pytestmark = pytest.mark.usefixtures("silero")

ROOT = Path(__file__).parents[4]
MEDIA = Path(os.environ.get("AVATARIUM_TEST_MEDIA", ROOT.parent / "shared" / "media")) / "speech"
TEXT = "Peter put the big blue bag back behind the broken table, but my mother bought some more maps."
RATE = 24_000


@pytest.fixture(scope="module")
def spoken() -> Speech:
    return synthesize(TEXT, "hibari-ava")


def media(name: str) -> tuple[Samples, int]:
    path = MEDIA / name
    if not path.is_file():
        pytest.skip(f"the test media are not here: {path}")
    sound = read_sound(path, RATE)
    return sound.samples, sound.rate


def openness(speech: Speech, length_s: float) -> NDArray[np.float64]:
    """How far the mouth is open, 100 times a second: a rough map of the phonemes."""
    curve = np.zeros(int(length_s * 100) + 1)
    for p in speech.phonemes:
        wide = next((w for sounds, w in _WIDTHS if p.ipa[0] in sounds), 0.2)
        curve[int(p.start_s * 100) : int(p.end_s * 100)] = wide
    return np.convolve(curve, np.hanning(9) / np.hanning(9).sum(), "same")


_WIDTHS = (("aɑæɐ", 1.0), ("ʌɔɛɒ", 0.75), ("əeoɜɝɚ", 0.5), ("iɪuʊɨ", 0.35), ("pbm", 0.0), ("fv", 0.1))


def closures(speech: Speech) -> list[tuple[float, float]]:
    return [(p.start_s, p.end_s) for p in speech.phonemes if p.ipa[0] in "pbm"]


def found(truth: Speech, heard: Speech, slack_s: float = 0.03) -> float:
    """Share of the closed lips that are heard at the right time."""
    pairs = [any(a - slack_s < d and c < b + slack_s for c, d in closures(heard)) for a, b in closures(truth)]
    return float(np.mean(pairs))


def check(speech: Speech) -> None:
    assert speech.words == ()
    assert all(0.0 <= p.start_s < p.end_s <= speech.duration_s + 1e-6 for p in speech.phonemes)
    assert all(a.end_s <= b.start_s + 1e-6 for a, b in itertools.pairwise(speech.phonemes))


def test_lips_close_and_mouth_opens_when_they_do(spoken: Speech) -> None:
    heard = phonemes_from_audio(spoken.audio, spoken.rate, "en")
    check(heard)
    assert heard.language == "en"
    assert found(spoken, heard) >= 0.9
    truth, guess = (openness(s, spoken.duration_s) for s in (spoken, heard))
    lags = {lag: float(np.corrcoef(np.roll(guess, lag), truth)[0, 1]) for lag in range(-10, 11)}
    best = max(lags, key=lambda lag: lags[lag])
    assert lags[best] > 0.7 and abs(best) <= 2


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 96_000])
def test_any_rate(spoken: Speech, rate: int) -> None:
    heard = phonemes_from_audio(soxr.resample(spoken.audio, spoken.rate, rate), rate)
    check(heard)
    assert heard.rate == rate
    assert found(spoken, heard) >= 0.8


@pytest.mark.parametrize("gain", [0.002, 0.05, 30.0])
def test_quiet_and_clipped_speech(spoken: Speech, gain: float) -> None:
    heard = phonemes_from_audio(np.clip(spoken.audio * np.float32(gain), -1, 1), spoken.rate)
    assert found(spoken, heard) >= 0.8


def test_channels_are_averaged(spoken: Speech) -> None:
    stereo = np.stack([spoken.audio, spoken.audio * 0], axis=1)
    assert found(spoken, phonemes_from_audio(stereo, spoken.rate)) >= 0.9


def music(seconds: float) -> Samples:
    t = np.arange(round(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * f * t + np.sin(2 * np.pi * 5 * t)) for f in (220.0, 277.2, 329.6, 440.0))
    beat = np.random.default_rng(0).normal(0, 1, len(t)) * np.exp(-10 * (t % 0.5))
    return np.asarray(0.05 * chord * (1 + np.sin(2 * np.pi * 2 * t)) + 0.1 * beat, np.float32)


@pytest.mark.parametrize("decibels", [20.0, 5.0])
@pytest.mark.parametrize("kind", ["noise", "music"])
def test_noise_and_music_under_speech(spoken: Speech, decibels: float, kind: str) -> None:
    length = len(spoken.audio) / RATE
    other = music(length + 1) if kind == "music" else np.random.default_rng(0).normal(0, 1, len(spoken.audio))
    other = other[: len(spoken.audio)]
    power = np.mean(spoken.audio**2) / np.mean(other**2) / 10 ** (decibels / 10)
    heard = phonemes_from_audio((spoken.audio + other * np.sqrt(power)).astype(np.float32), RATE)
    assert found(spoken, heard) >= 0.75


@pytest.mark.parametrize("name", ["silence", "noise", "music", "hum"])
def test_nobody_speaks(name: str) -> None:
    t = np.arange(RATE * 4) / RATE
    sound = {
        "silence": np.zeros(RATE * 4, np.float32),
        "noise": np.random.default_rng(1).normal(0, 0.1, RATE * 4).astype(np.float32),
        "music": music(4.0),
        "hum": (0.3 * np.sin(2 * np.pi * 50 * t)).astype(np.float32),
    }[name]
    with pytest.raises(AudioError) as caught:
        phonemes_from_audio(sound, RATE)
    assert caught.value.code == "no_speech"


def test_silence_and_music_between_speech_stay_silent(spoken: Speech) -> None:
    gap = music(4.0) * 0.3
    quiet = np.zeros(RATE * 3, np.float32)
    heard = phonemes_from_audio(np.concatenate([quiet, spoken.audio, gap, spoken.audio, quiet]), RATE)
    length = spoken.duration_s
    silent = [(0.0, 2.9), (3.0 + length + 0.3, 3.0 + length + 3.9), (7.0 + 2 * length + 0.3, 99.0)]
    for start, end in silent:
        assert not [p for p in heard.phonemes if start < (p.start_s + p.end_s) / 2 < end]


def test_windows_leave_no_seam(spoken: Speech) -> None:
    """The same words over and over, without a pause that a window could end in, are heard the same every time."""
    first, last = spoken.phonemes[0].start_s, spoken.phonemes[-1].end_s
    once = spoken.audio[round(first * RATE) : round(last * RATE)]
    heard = phonemes_from_audio(np.tile(once, 8), RATE)
    period = len(once) / RATE
    counts = np.histogram([p.start_s for p in heard.phonemes], bins=[i * period for i in range(9)])[0]
    assert counts.max() - counts.min() <= 4


@pytest.mark.parametrize(("sound", "code"), [(np.zeros(0, np.float32), "empty_audio")])
def test_bad_audio(sound: Samples, code: str) -> None:
    with pytest.raises(AudioError) as caught:
        phonemes_from_audio(sound, RATE)
    assert caught.value.code == code


def test_bad_rate_and_broken_samples(spoken: Speech) -> None:
    with pytest.raises(AudioError) as caught:
        phonemes_from_audio(spoken.audio, 100)
    assert caught.value.code == "bad_rate"
    broken = spoken.audio.copy()
    broken[::1000] = np.nan
    assert found(spoken, phonemes_from_audio(broken, RATE)) >= 0.7


def test_real_recording_against_its_text() -> None:
    sound, rate = media("en-jfk.flac")
    heard = phonemes_from_audio(sound, rate, "en")
    check(heard)
    line = "".join(p.ipa for p in heard.phonemes)
    for part in ("fɛloʊ", "kʌntɹ", "mɛɹ"):
        assert part in line


@pytest.mark.parametrize("name", ["de.wav", "fr.wav", "zh-news.wav", "en-radio-1.wav"])
def test_real_recordings_of_other_languages(name: str) -> None:
    sound, rate = media(name)
    heard = phonemes_from_audio(sound, rate)
    check(heard)
    assert 5.0 < len(heard.phonemes) / heard.duration_s < 16.0


@pytest.mark.long
@pytest.mark.usefixtures("kokoro", "espeak_ng")
@pytest.mark.parametrize(
    ("voice", "text"),
    [
        ("kokoro-dora-es", "Mi madre compró pan y mantequilla para el bebé. Por favor, ponga el mapa sobre la mesa."),
        ("kokoro-siwis-fr", "Ma mère a acheté du pain et du beurre pour le bébé. Mettez le livre bleu sur la table."),
        ("kokoro-nicola-it", "Mia madre ha comprato pane e burro per il bambino. Paolo abita vicino al mare."),
        ("kokoro-alex-pt", "Minha mãe comprou pão e manteiga para o bebê. Pedro mora perto do mar."),
    ],
)
def test_lips_close_in_other_languages(voice: str, text: str) -> None:
    speech = synthesize(text, voice, threads=1)
    heard = phonemes_from_audio(speech.audio, speech.rate)
    assert found(speech, heard) >= 0.8
    truth, guess = (openness(s, speech.duration_s) for s in (speech, heard))
    assert float(np.corrcoef(guess, truth)[0, 1]) > 0.45
