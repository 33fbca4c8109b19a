"""Speech in a file: what is known of it is true of the file, and a video made from it needs no recogniser."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine import recording, talking
from avatarium.engine.options import SpeakOptions
from avatarium.engine.recording import RATE, recorded_speech
from avatarium.engine.speech import Speech, synthesize
from avatarium.engine.spoken import SpokenFile, speak_to_file
from avatarium.engine.talking import script_of_audio, speak
from avatarium.engine.video import Size, probe, read_sound
from avatarium.errors import AudioError, OptionError, OutputError, TextError

TEXT = "Papa bought a bamboo boat. My mother made seven apple pies! Who would buy a ship now?"
VOICE = "hibari-ava"


@pytest.fixture(scope="session")
def known() -> Speech:
    return synthesize(TEXT, VOICE)


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> SpokenFile:
    return speak_to_file(TEXT, VOICE, tmp_path_factory.mktemp("spoken") / "a.mp3")


def starts(speech: Speech | SpokenFile) -> NDArray[np.float64]:
    return np.array([p.start_s for p in speech.phonemes])


def test_the_file_is_the_speech_in_length_level_and_place(spoken: SpokenFile, known: Speech) -> None:
    read = read_sound(spoken.path, known.rate).samples
    assert len(read) == len(known.audio) == spoken.samples
    assert np.sqrt(np.mean((read - known.audio) ** 2) / np.mean(known.audio**2)) < 0.15
    assert not [p for p in spoken.path.parent.iterdir() if p != spoken.path]


def test_marks_are_those_of_the_synthesis(spoken: SpokenFile, known: Speech) -> None:
    assert [p.ipa for p in spoken.phonemes] == [p.ipa for p in known.phonemes]
    assert [w.text for w in spoken.words] == [w.text for w in known.words]
    assert np.abs(starts(spoken) - starts(known)).max() < 1e-3
    assert (np.diff(starts(spoken)) > 0).all()


def test_pieces_join_without_a_click(spoken: SpokenFile, known: Speech) -> None:
    """A jump between two samples where nobody speaks would be heard."""
    read = read_sound(spoken.path, known.rate).samples
    silent = np.ones(len(read), bool)
    for word in spoken.words:
        silent[max(round((word.start_s - 0.08) * RATE), 0) : round((word.end_s + 0.12) * RATE)] = False
    assert silent[:-1].sum() > 0.2 * RATE
    assert np.abs(np.diff(read))[silent[:-1]].max() < 0.004


def test_a_recogniser_hears_the_known_phonemes_at_their_times(spoken: SpokenFile) -> None:
    """Both look at the file: a delay of the codec that went wrong would move one against the other."""
    heard = recorded_speech(spoken.path, "en-US")
    lips = [p for p in spoken.phonemes if p.ipa in "pbm"]
    found = np.array([(p.start_s + p.end_s) / 2 for p in heard.phonemes if p.ipa in "pbm"])
    off = [found[np.abs(found - (p.start_s + p.end_s) / 2).argmin()] - (p.start_s + p.end_s) / 2 for p in lips]
    near = [o for o in off if abs(o) < 0.1]
    assert len(near) >= 0.75 * len(lips)
    assert abs(float(np.median(near))) < 0.03


def test_a_record_goes_through_json_and_is_short(spoken: SpokenFile, tmp_path: Path) -> None:
    text = spoken.to_json()
    assert SpokenFile.from_json(text, spoken.path) == spoken
    assert SpokenFile.from_json(text.encode(), tmp_path / "elsewhere.mp3") == replace(
        spoken, path=tmp_path / "elsewhere.mp3"
    )
    assert str(spoken.path) not in text
    assert len(text) < 250 * len(spoken.words)


@pytest.mark.parametrize(
    "damaged",
    ["", "[]", "nonsense", "{}", b"\xff\xfe\x00", '{"version":99}', '{"version":1,"rate":0,"samples":0}'],
)
def test_a_damaged_record_is_refused_in_words(damaged: str | bytes) -> None:
    with pytest.raises(AudioError) as caught:
        SpokenFile.from_json(damaged, "a.mp3")
    assert caught.value.code == "marks_unreadable"


def test_a_record_with_a_torn_row_is_refused(spoken: SpokenFile) -> None:
    record = json.loads(spoken.to_json())
    record["phonemes"][3] = ["a", 1.0]
    with pytest.raises(AudioError, match="damaged"):
        SpokenFile.from_json(json.dumps(record), spoken.path)


def test_marks_of_another_file_are_refused(spoken: SpokenFile) -> None:
    other = replace(spoken, samples=spoken.samples + RATE)
    with pytest.raises(AudioError) as caught:
        script_of_audio(other, SpeakOptions())
    assert caught.value.code == "marks_misfit"


def test_a_video_from_known_speech_is_mouthed_by_what_is_known(
    spoken: SpokenFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(*_: object) -> Speech:
        raise AssertionError("what is known need not be recognised")

    monkeypatch.setattr(talking, "recognise", deaf)
    monkeypatch.setattr(recording, "recognise", deaf)
    take = speak("ava", tmp_path / "a.mp4", audio=spoken, options=SpeakOptions(size=Size(480, 480)))
    lead_s = take.phonemes[0].start_s - spoken.phonemes[0].start_s
    assert lead_s == pytest.approx(0.2, abs=0.021)
    assert [p.ipa for p in take.phonemes] == [p.ipa for p in spoken.phonemes]
    assert [w.text for w in take.words] == [w.text for w in spoken.words]
    assert np.abs(np.array([p.start_s for p in take.phonemes]) - lead_s - starts(spoken)).max() < 1e-6
    assert probe(take.path).duration_s == pytest.approx(spoken.duration_s + 0.7, abs=0.05)


def test_sound_in_the_video_lies_where_the_marks_say(spoken: SpokenFile, tmp_path: Path) -> None:
    take = speak("ava", tmp_path / "a.mp4", audio=spoken, options=SpeakOptions(size=Size(480, 480)))
    made, told = read_sound(take.path, RATE).samples, read_sound(spoken.path, RATE).samples
    size = 1 << (len(made) * 2).bit_length()
    late = int(np.fft.irfft(np.fft.rfft(made, size) * np.conj(np.fft.rfft(told, size))).argmax())
    assert late / RATE == pytest.approx(take.phonemes[0].start_s - spoken.phonemes[0].start_s, abs=0.0005)


def test_progress_rises_to_the_length(tmp_path: Path) -> None:
    told: list[tuple[float, float]] = []
    made = speak_to_file(TEXT, VOICE, tmp_path / "a.wav", progress=lambda done, of: told.append((done, of)))
    assert len(told) >= 3
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert all(done <= expected for done, expected in told)
    assert told[-1][0] == pytest.approx(made.duration_s)


def test_the_rate_makes_it_faster(spoken: SpokenFile, tmp_path: Path) -> None:
    fast = speak_to_file(TEXT, VOICE, tmp_path / "a.mp3", rate=1.6)
    assert 0.55 < fast.duration_s / spoken.duration_s < 0.75


@pytest.mark.parametrize(
    ("text", "voice", "name", "error"),
    [
        ("", VOICE, "a.mp3", TextError),
        ("Hello.", "nobody", "a.mp3", OptionError),
        ("Hello.", VOICE, "a.mp4", OptionError),
        ("Hello.", VOICE, "no/a.mp3", OutputError),
        ('<break time="300ms"/>', VOICE, "a.mp3", TextError),
    ],
)
def test_a_refusal_leaves_no_file(text: str, voice: str, name: str, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error):
        speak_to_file(text, voice, tmp_path / name)
    assert os.listdir(tmp_path) == []
