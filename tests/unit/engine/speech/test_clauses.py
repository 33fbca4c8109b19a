"""Sentences in clauses, for whoever waits for the first sound."""

from __future__ import annotations

from itertools import pairwise

import pytest

from avatarium.engine.speech.text.clauses import Clauses
from avatarium.engine.speech.text.prepare import Sentence, sentences

TEXT = (
    "The old printing press by the river still works after nearly two hundred years and everybody who comes may print "
    "a page of their own with it before they leave the house again. Ask me whatever you like, and I will tell you."
)
CHARACTERS_A_SECOND = 14.0
SLOW = 0.65
"""Seconds that a slow voice takes for one of speech where two cores are free."""


def pieces() -> list[Sentence]:
    cut = Clauses()
    return [piece for sentence in sentences(TEXT, "en-US") for piece in cut(sentence)]


def length(piece: Sentence) -> int:
    return sum(len(token.spoken) + 1 for token in piece.tokens)


def test_nothing_is_lost_and_the_first_piece_is_short() -> None:
    found = pieces()
    spoken = [token.spoken for sentence in sentences(TEXT, "en-US") for token in sentence.tokens]
    assert [token.spoken for piece in found for token in piece.tokens] == spoken
    assert len(found) >= 5 and length(found[0]) <= 40


def test_each_piece_is_made_while_the_one_before_it_is_heard() -> None:
    """The second piece was twice as long as the first, so that a hole followed the first words."""
    heard_s = [length(piece) / CHARACTERS_A_SECOND for piece in pieces()]
    for before, after in pairwise(heard_s[:4]):
        assert SLOW * after <= before + 0.35


@pytest.mark.parametrize("text", ["Yes.", "Hello there."])
def test_a_short_sentence_stays_whole(text: str) -> None:
    cut = Clauses()
    assert sum(1 for sentence in sentences(text, "en-US") for _ in cut(sentence)) == 1
