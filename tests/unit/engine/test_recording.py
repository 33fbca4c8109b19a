"""Cutting a recording into pieces loses nothing and tears no sound apart where there is a pause."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarium.engine.recording import LONGEST_PIECE_S, RATE, SHORTEST_PIECE_S, in_pieces
from avatarium.engine.speech import Phoneme, Speech


def _speech(length_s: float, phonemes: list[tuple[float, float]]) -> Speech:
    audio = np.arange(round(length_s * RATE), dtype=np.float32) / (length_s * RATE)
    made = tuple(Phoneme(ipa="a", start_s=a, end_s=b) for a, b in phonemes)
    return Speech(audio=audio, rate=RATE, phonemes=made, words=(), language="de")


@settings(max_examples=40, deadline=None)
@given(
    gaps=st.lists(st.tuples(st.floats(0.0, 3.0), st.floats(0.03, 0.4)), max_size=120),
    fps=st.sampled_from([24, 25, 30, 50]),
)
def test_pieces_are_the_whole(gaps: list[tuple[float, float]], fps: int) -> None:
    phonemes, at = [], 0.0
    for pause, length in gaps:
        phonemes.append((at + pause, at + pause + length))
        at += pause + length
    speech = _speech(at + 0.5, phonemes)
    pieces = list(in_pieces(speech, fps))
    assert np.array_equal(np.concatenate([piece.audio for piece in pieces]), speech.audio)
    assert sum(len(piece.phonemes) for piece in pieces) == len(phonemes)
    for piece in pieces[:-1]:
        assert len(piece.audio) % (RATE // fps) == 0
        assert SHORTEST_PIECE_S - 0.05 <= piece.duration_s <= LONGEST_PIECE_S + 0.05
    for piece in pieces:
        assert piece.language == "de"
        assert all(0 <= p.start_s <= p.end_s <= piece.duration_s + 1e-6 for p in piece.phonemes)


def test_it_is_cut_in_a_pause() -> None:
    steady = [(i * 0.1, i * 0.1 + 0.1) for i in range(300) if not 120 <= i < 125]
    first, *_ = in_pieces(_speech(30, steady), 25)
    assert 12.0 < first.duration_s < 12.5
    assert len(first.phonemes) == 120


@pytest.mark.parametrize("phonemes", [[], [(i * 0.1, i * 0.1 + 0.1) for i in range(900)]], ids=["nobody", "no pause"])
def test_without_a_pause_it_is_cut_all_the_same(phonemes: list[tuple[float, float]]) -> None:
    assert len(list(in_pieces(_speech(90, phonemes), 25))) >= 5


def test_times_count_from_each_piece() -> None:
    speech = _speech(25, [(1.0, 1.2), (24.0, 24.2)])
    first, second = in_pieces(speech, 25)
    assert second.phonemes[0].start_s == pytest.approx(24.0 - first.duration_s)
