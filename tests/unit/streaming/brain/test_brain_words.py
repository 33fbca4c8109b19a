from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.streaming.brain.words import Lexicon, Weights, likeness, telling, words


def coverage(asked: Mapping[str, float], written: Iterable[str]) -> float:
    """Of one text."""
    lexicon = Lexicon()
    numbers = lexicon.numbers_of(written)
    return float(lexicon.likest(asked).coverage([numbers])[0])


@pytest.mark.parametrize(
    ("a", "b", "least", "most"),
    [
        ("cancel", "cancel", 1, 1),
        ("cancel", "cancellation", 0.7, 0.9),
        ("course", "courses", 0.9, 0.9),
        ("offnen", "offnung", 0.7, 0.7),
        ("preis", "zimmerpreis", 0.7, 0.7),
        ("dog", "dogma", 0, 0),
        ("45", "450", 0, 0),
        ("berlin", "bern", 0, 0),
        ("price", "prince", 0, 0),
    ],
)
def test_words_are_alike_as_far_as_people_see_it(a: str, b: str, least: float, most: float) -> None:
    assert least <= likeness(a, b) <= most
    assert likeness(a, b) == likeness(b, a)


def test_case_accents_and_grouped_numbers_do_not_matter() -> None:
    assert words("Café MÜLLER 5,000") == ("cafe", "muller", "5000")
    assert words("L'hôtel n'est pas 1.954") == ("hotel", "est", "pas", "1954")


def test_unspaced_writing_is_compared_by_pairs() -> None:
    assert words("営業時間") == ("営業", "業時", "時間")
    asked = dict.fromkeys(words("営業時間は"), 1.0)
    assert coverage(asked, words("営業時間は九時から")) > coverage(asked, words("犬は入れません"))


def test_function_words_tell_nothing() -> None:
    assert telling("What is the price of a room?", "en") == ("price", "room")
    assert telling("Was kostet denn ein Zimmer?", "de") == ("kostet", "zimmer")


def test_a_word_that_is_function_in_one_language_tells_in_another() -> None:
    assert "van" in telling("Can I park my van?", "en")
    assert "van" not in telling("De prijs van een kamer", "nl")


def test_rare_words_weigh_more() -> None:
    weights = Weights([("room", "sauna"), ("room", "pool"), ("room",)])
    assert weights.of("sauna") > weights.of("room")
    assert weights.of("unheard") > weights.of("sauna")


WORDS = st.lists(st.sampled_from(["sauna", "pool", "room", "price", "hotel", "dog", "cat"]), max_size=6)


@given(WORDS, WORDS)
def test_coverage_is_a_share_that_more_text_never_lowers(asked: list[str], written: list[str]) -> None:
    weights = dict.fromkeys(asked, 1.0)
    some, more = coverage(weights, written), coverage(weights, [*written, *asked])
    assert 0 <= some <= more <= 1
    assert more == (1 if asked else 0)
