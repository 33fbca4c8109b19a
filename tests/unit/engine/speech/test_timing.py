from __future__ import annotations

import numpy as np
import pytest

from avatarium.engine.speech import timing
from avatarium.engine.speech.g2p.transcript import Transcript, transcript
from avatarium.engine.speech.models.rendering import SAMPLE_RATE, Rendering
from avatarium.engine.speech.text.prepare import Token

LAG_S = timing.lag_s(1.0)


def rendered(seconds: list[float], loud: list[bool] | None = None) -> Rendering:
    """Noise for every sign that is loud, silence for the others and for the pads, as late as the network would be."""
    loud = loud or [True] * (len(seconds) - 2)
    rng = np.random.default_rng(0)
    parts = [
        rng.normal(0, 0.2 * on, round(s * SAMPLE_RATE)).astype(np.float32)
        for s, on in zip(seconds, [False, *loud, False], strict=True)
    ]
    audio = np.concatenate(parts)[round(LAG_S * SAMPLE_RATE) :]
    return Rendering(audio=audio, seconds=np.array(seconds))


def test_stress_goes_to_the_vowel_and_its_time_too() -> None:
    spelled = transcript([("pˈA", 0)])
    p, a = timing.timed(spelled, rendered([0.3, 0.1, 0.05, 0.2, 0.3]), 1.0)
    assert (p.ipa, p.stress, a.ipa, a.stress) == ("p", 0, "eɪ", 1)
    assert p.end_s == a.start_s == pytest.approx(0.4 - LAG_S)


def test_length_and_nasality_belong_to_their_vowel() -> None:
    spelled = transcript([("ɑ\u0303ː", 0)])
    (vowel,) = timing.timed(spelled, rendered([0.3, 0.1, 0.05, 0.1, 0.3]), 1.0)
    assert vowel.ipa == "ɑ\u0303ː"
    assert vowel.end_s - vowel.start_s == pytest.approx(0.25)


def test_blank_between_words_is_no_silence() -> None:
    spelled = transcript([("sA ", 0), ("pA", 1)])
    s, a, p, _ = timing.timed(spelled, rendered([0.3, 0.1, 0.1, 0.05, 0.1, 0.1, 0.3]), 1.0)
    assert s.end_s == a.start_s
    assert p.start_s == a.end_s == pytest.approx(0.5 - LAG_S)
    assert p.end_s - p.start_s == pytest.approx(0.15)


def test_comma_with_silence_is_a_gap_and_without_is_none() -> None:
    spelled = transcript([("A", 0), (", ", None), ("A", 1)])
    seconds = [0.3, 0.2, 0.15, 0.05, 0.2, 0.3]
    first, second = timing.timed(spelled, rendered(seconds, [True, False, False, True]), 1.0)
    assert second.start_s - first.end_s == pytest.approx(0.2, abs=0.02)
    first, second = timing.timed(spelled, rendered(seconds), 1.0)
    assert second.start_s == first.end_s


def test_silent_tokens_go_with_their_neighbours() -> None:
    tokens = [Token(written=w, spoken="") for w in ("—", "Hi", "…", "you")]
    spelled = Transcript(signs="AB"[:1] + "I", owners=(1, 3))
    spoken = timing.timed(spelled, rendered([0.3, 0.2, 0.2, 0.3]), 1.0)
    assert [word.text for word in timing.words(tokens, spoken, 0.0)] == ["— Hi …", "you"]


def test_a_long_transcript_is_cut_between_words() -> None:
    spelled = transcript([(f"{'a' * 9} ", i) for i in range(100)])
    parts = spelled.cut(400)
    assert all(len(part.signs) <= 400 for part in parts)
    assert "".join(part.signs for part in parts).replace(" ", "") == "a" * 900
    assert [o for part in parts for o in part.owners if o is not None] == [o for o in spelled.owners if o is not None]


def test_a_transcript_without_blanks_is_cut_all_the_same() -> None:
    parts = transcript([("a" * 1000, 0)]).cut(400)
    assert [len(part.signs) for part in parts] == [400, 400, 200]
