"""How far an utterance came, in its own writing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.streaming.stage.said import TOLD_MAX, Said, beginning

TEXT = 'Well, "hello" there: $5 million — really?'
WORDS = ["Well,", '"hello"', "there:", "$5 million", "really?"]


@pytest.mark.parametrize("count", range(6))
def test_the_beginning_of_a_text_is_as_it_was_written(count: int) -> None:
    expected = ["", "Well,", 'Well, "hello"', 'Well, "hello" there:', 'Well, "hello" there: $5 million', TEXT]
    assert beginning(TEXT, WORDS[:count]) == expected[count]


def test_a_word_that_comes_twice_is_counted_twice() -> None:
    assert beginning("no no no", ["no", "no"]) == "no no"


def test_words_of_another_writing_stand_for_themselves() -> None:
    assert beginning("3 < 4", ["three", "is", "less"]) == "three is less"


@given(st.lists(st.text("abc", min_size=1, max_size=3), max_size=8), st.data())
def test_what_was_said_is_a_beginning_and_holds_every_word(words: list[str], data: st.DataObject) -> None:
    text = " ".join(words)
    said = words[: data.draw(st.integers(0, len(words)))]
    found = beginning(text, said)
    assert text.startswith(found) and found.split() == said


def test_of_what_was_never_begun_an_event_tells_the_beginning() -> None:
    text = "word " * 500
    waited = Said(command_id="c1", text=text, said_text="", said_ms=0)
    begun = Said(command_id="c1", text=text, said_text="word", said_ms=300)
    assert waited.as_json()["text"] == text and waited.as_event()["text"] == text[:TOLD_MAX]
    assert begun.as_event() == begun.as_json()
