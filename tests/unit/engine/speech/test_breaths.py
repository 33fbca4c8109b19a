"""What a few characters are read out as at length comes in parts, and what no reader can take in one is broken."""

from __future__ import annotations

import pytest

from avatarium.engine.speech import prepare
from avatarium.engine.speech.g2p.english import transcribe_english
from avatarium.engine.speech.text.breaths import LONGEST_BREATH, LONGEST_TOKEN, breaths
from avatarium.engine.speech.text.prepare import Sentence, Token
from avatarium.engine.speech.text.sentences import Boundary
from avatarium.engine.speech.timing import Timed, words

LENGTHY = {
    "ordinals": "1999999999th " * 100,
    "digits": "9" * 1000,
    "money": "$1,234,567,890.12 " * 50,
    "emoji": "Hi " + "\U0001f600\U0001f601" * 100,
    "capitals": "XQZ" * 300,
    "hyphens": "a-" * 500,
    "unpronounceable": "xqzzt " * 150,
    "consonants": "w r t p s d f g h j k l z x " * 40,
    "unbroken": "qxz" * 300,
}


@pytest.mark.parametrize("text", LENGTHY.values(), ids=LENGTHY)
def test_no_text_makes_the_first_sound_of_others_wait_for_minutes_of_its_own(text: str) -> None:
    """240 characters were read for 113 s in one piece, which took a thread that all rooms wait for."""
    for sentence in prepare(text, "en-US"):
        parts = list(breaths(sentence, transcribe_english))
        assert all(0 < len(part.spoken) <= LONGEST_BREATH + LONGEST_TOKEN for part in parts)
        assert " ".join(part.spoken for part in parts) == sentence.spoken, "all of it is said"
        written = [token.written for part in parts for token in part.tokens if token.written]
        assert written == [token.written for token in sentence.tokens], "and told once"
        assert [part.boundary for part in parts] == [*[Boundary.WORD] * (len(parts) - 1), sentence.boundary]


@pytest.mark.parametrize("rate", [1.0, 0.5])
@pytest.mark.parametrize("text", LENGTHY.values(), ids=LENGTHY)
def test_what_only_the_front_end_spells_is_said_in_short_parts_as_well(text: str, rate: float) -> None:
    """``xqzzt xqzzt`` was read, letter by letter, for 45 s in one piece: only capitals and figures were counted."""
    parts = [part for sentence in prepare(text, "en-US") for part in breaths(sentence, transcribe_english, rate=rate)]
    assert all(len(transcribe_english(part.tokens).signs) <= 1.1 * rate * LONGEST_BREATH for part in parts)


@pytest.mark.parametrize("text", ["a-" * 1500, "aB" * 1500, "a" * 3000, "a1" * 1500])
def test_what_has_no_blank_is_broken_as_readers_try_each_part_of_it(text: str) -> None:
    """3,000 characters of ``a-a-a-`` took five seconds for each nine seconds of speech."""
    for sentence in prepare(text, "en-US"):
        assert max(map(len, sentence.spoken.split())) <= 40


def test_words_that_people_write_are_left_whole() -> None:
    text = "My mother-in-law's state-of-the-art pneumonoultramicroscopicsilicovolcano."
    (sentence,) = prepare(text, "en-US")
    assert sentence.spoken == text
    assert list(breaths(sentence, transcribe_english)) == [sentence]


def test_pauses_stay_at_the_ends_of_a_sentence_that_is_cut() -> None:
    *_, before = prepare('Hello. <break time="2s"/>' + "a word or two " * 14 + '<break time="1s"/> Bye.', "en-US")[:2]
    long = Sentence(tokens=before.tokens * 3, boundary=Boundary.SENTENCE, pause_before_s=2.0, pause_after_s=1.0)
    parts = list(breaths(long, transcribe_english))
    assert len(parts) == 2
    assert [part.pause_before_s for part in parts] == [2.0, 0.0]
    assert [part.pause_after_s for part in parts] == [None, 1.0]
    sizes = [len(part.spoken) for part in parts]
    assert max(sizes) - min(sizes) < 10, "halves of like length"


def test_a_token_that_is_cut_counts_as_said_when_its_end_was_said() -> None:
    tokens = (Token(written="Dial", spoken="dial"), Token(written="999", spoken="nine " * 120))
    parts = list(breaths(Sentence(tokens=tokens, boundary=Boundary.SENTENCE), transcribe_english))
    told = [[word.text for word in words(part.tokens, _sounds(len(part.tokens)), 0.0)] for part in parts]
    assert told[0] == ["Dial"] and told[-1] == ["999"] and not any(told[1:-1])


def _sounds(count: int) -> list[Timed]:
    return [Timed(sign="n", ipa="n", owner=at, stress=0, start_s=at, end_s=at + 1.0) for at in range(count)]
