"""Sound that is pushed in comes out the very same, early, with the phonemes that a recording of it would have."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from avatarium.engine.face import Mouth, mouth_controls, visemes_of
from avatarium.engine.face.life import Life
from avatarium.engine.live import FPS, RATE, TICK_SAMPLES, HeardSound, MarkKind, Performer
from avatarium.engine.speech import Phoneme, Speech, phonemes_from_audio, synthesize
from avatarium.engine.video.sound import read_sound
from avatarium.errors import AudioError

Sound = NDArray[np.float32]


@functools.cache
def spoken() -> Speech:
    return synthesize("Really important people bring bright balloons. Let me show you around.", "hibari-ava")


def pushed(sound: Sound, rate: int, chunk_s: float = 0.02) -> list[Speech]:
    heard, pieces, step = HeardSound(), list[Speech](), round(chunk_s * rate)
    for at in range(0, len(sound), step):
        pieces += heard.feed(sound[at : at + step], rate)
    return pieces + heard.finish()


@functools.cache
def pushed_speech() -> list[Speech]:
    """As it is spoken, 20 ms at a time."""
    return pushed(spoken().audio, spoken().rate)


def phonemes(pieces: list[Speech]) -> list[Phoneme]:
    """Those of each piece's own sound, on one time line."""
    found, at_s = [], 0.0
    for piece in pieces:
        own = (p for p in piece.phonemes if 0 <= p.start_s < piece.duration_s)
        found += [replace(p, start_s=p.start_s + at_s, end_s=p.end_s + at_s) for p in own]
        at_s += piece.duration_s
    return found


def share_found(wanted: list[Phoneme], found: list[Phoneme]) -> float:
    def among(p: Phoneme) -> bool:
        return any(visemes_of(q.ipa) == visemes_of(p.ipa) and abs(q.start_s - p.start_s) < 0.06 for q in found)

    return sum(map(among, wanted)) / len(wanted)


def test_the_first_piece_comes_after_seven_tenths_of_a_second() -> None:
    speech, heard = spoken(), HeardSound()
    fed = 0
    while not heard.feed(speech.audio[fed : fed + 240], speech.rate):
        fed += 240
    assert fed / speech.rate <= 0.7


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100])
def test_the_pieces_are_the_sound_itself_cut_at_ticks(rate: int) -> None:
    sound = soxr.resample(spoken().audio, spoken().rate, rate).astype(np.float32)
    pieces = pushed(sound, rate, 0.7)
    assert all(piece.rate == RATE for piece in pieces)
    assert all(len(piece.audio) % TICK_SAMPLES == 0 for piece in pieces[:-1])
    together = np.concatenate([piece.audio for piece in pieces])
    expected = soxr.resample(sound, rate, RATE)
    assert abs(len(together) - len(expected)) <= 2
    shared = min(len(together), len(expected))
    np.testing.assert_allclose(together[:shared], expected[:shared], atol=2e-3)


@pytest.mark.parametrize("faster", [False, True])
def test_phonemes_are_those_of_the_whole_recording(faster: bool) -> None:
    speech = spoken()
    wanted = list(phonemes_from_audio(speech.audio, speech.rate).phonemes)
    found = phonemes(pushed(speech.audio, speech.rate, 3.0) if faster else pushed_speech())
    assert share_found(wanted, found) > 0.9
    assert share_found(found, wanted) > 0.9


def test_lips_move_as_for_the_whole_recording_and_do_not_jump_at_joints(recordings: Path) -> None:
    sound = read_sound(recordings / "en-jfk.flac", RATE).samples[: 6 * RATE]
    pieces = pushed(sound, RATE, 0.04)
    live = np.concatenate([mouth_controls(p.phonemes, -(-len(p.audio) // TICK_SAMPLES), FPS) for p in pieces])
    whole = mouth_controls(phonemes_from_audio(sound, RATE).phonemes, len(live), FPS)
    opening = live[:, Mouth.OPEN], whole[:, Mouth.OPEN]
    assert np.corrcoef(opening[0], opening[1])[0, 1] > 0.8
    assert np.abs(np.diff(opening[0])).max() < 1.3 * np.abs(np.diff(opening[1])).max()


def test_no_phoneme_is_told_twice_or_lost_at_a_joint() -> None:
    found = phonemes(pushed_speech())
    starts = [p.start_s for p in found]
    assert starts == sorted(starts)
    for one, other in zip(found, found[1:], strict=False):
        assert one.ipa != other.ipa or other.start_s - one.start_s > 0.04


def test_silence_and_noise_pass_without_phonemes() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, 2 * RATE).astype(np.float32)
    for sound in (np.zeros(2 * RATE, np.float32), noise):
        pieces = pushed(sound, RATE)
        assert sum(len(p.audio) for p in pieces) == len(sound)
        assert not any(p.phonemes for p in pieces)


def test_a_rate_that_changes_keeps_all_of_the_sound() -> None:
    heard, audio = HeardSound(), spoken().audio
    pieces = heard.feed(audio[:24_000], 24_000)
    pieces += heard.feed(soxr.resample(audio[24_000:48_000], 24_000, 16_000), 16_000)
    pieces += heard.finish()
    assert sum(p.duration_s for p in pieces) == pytest.approx(2.0, abs=0.01)


def test_after_the_end_it_hears_again_from_nothing() -> None:
    heard, audio = HeardSound(), spoken().audio[:24_000]
    first = heard.feed(audio, 24_000) + heard.finish()
    again = heard.feed(audio, 24_000) + heard.finish()
    assert phonemes(first) == phonemes(again) != []
    assert heard.finish() == []


@pytest.mark.parametrize(("rate", "channels", "code"), [(4_000, 1, "bad_rate"), (48_000, 2, "bad_sound")])
def test_what_cannot_be_heard_is_refused(rate: int, channels: int, code: str) -> None:
    sound = np.zeros(480 if channels == 1 else (480, channels), np.float32)
    with pytest.raises(AudioError) as caught:
        HeardSound().feed(sound, rate)
    assert caught.value.code == code


def test_pushed_sound_is_performed_without_a_hole_and_with_its_visemes() -> None:
    who, speech = Performer(Life(seed=1)), spoken()
    for piece in pushed_speech():
        who.say(piece, tag="a")
    who.finish("a")
    shown = [who.tick() for _ in range(round(who.buffered_s * FPS))]
    heard = np.concatenate([tick.sound for tick in shown])
    expected = soxr.resample(speech.audio, speech.rate, RATE)
    np.testing.assert_allclose(heard[: len(expected)], expected[: len(heard)], atol=2e-3)
    visemes = [m for t in shown for m in t.marks if m.kind is MarkKind.VISEME]
    assert len(visemes) > 0.8 * len(speech.phonemes)
    assert max(t.pose.mouth[Mouth.OPEN] for t in shown) > 0.08
