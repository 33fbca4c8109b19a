from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.streaming.brain.spoken import SENTENCE_MAX, SentenceStream, speakable


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It is **very** *good* and `cheap`.", "It is very good and cheap."),
        ("## Prices", "Prices"),
        ("- first thing", "first thing"),
        ("1. first thing", "first thing"),
        ("See [our page](https://example.org/a_(b)?q=1) for more.", "See our page for more."),
        ("Look at https://example.org/x?y=z. It helps.", "Look at. It helps."),
        ("Write to hello@example.org.", "Write to hello@example.org."),
        ("Great! 😀👍🏽 ✅ Bye 👋", "Great! Bye"),
        ("It costs 5 € + tax, at 20 °C.", "It costs 5 € + tax, at 20 °C."),
        ("snake_case and 2 * 3", "snake_case and 2 * 3"),
        ("<b>Bold</b> and a < b", "Bold and a < b"),
        ("As known [1][^2].", "As known."),
        ("| Adults | 14 euros |", "Adults, 14 euros"),
        ("~~No~~ yes", "No yes"),
        ("<think>hm, what now</think>Hello.", "Hello."),
        ("```\ncode\n```", ""),
        ("---", ""),
        ("😀", ""),
        ("_emphasis_ here", "emphasis here"),
    ],
)
def test_what_cannot_be_spoken_is_gone(written: str, said: str) -> None:
    assert speakable(written) == said


def streamed(text: str, size: int) -> list[str]:
    stream = SentenceStream()
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    return [said for piece in pieces for said in stream.feed(piece)] + stream.finish()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_code_and_thoughts_are_left_out_wherever_the_stream_is_cut(size: int) -> None:
    text = (
        "<think>I must.\nBe nice.</think>Hello there. Run this:\n```python\nprint('Hi. You.')\n```\nThen **stop**. Done"
    )
    assert streamed(text, size) == ["Hello there.", "Run this.", "Then stop.", "Done."]


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_a_sentence_comes_as_soon_as_it_is_complete(size: int) -> None:
    stream = SentenceStream()
    assert stream.feed("It costs 3.5 euros") == []
    assert stream.feed(". And") == ["It costs 3.5 euros."]
    assert stream.finish() == ["And."]
    assert streamed("Dr. Smith is here. He waits.", size) == ["Dr. Smith is here.", "He waits."]


def test_a_text_without_an_end_is_said_in_pieces() -> None:
    said = streamed("and then we went on, " * 100, 5)
    assert len(said) > 3
    assert max(map(len, said)) <= SENTENCE_MAX + 1


@given(
    st.lists(
        st.sampled_from(["Yes. ", "No! ", "word ", "**", "```", "\n", "- ", "<think>", "</think>", "8 "]), max_size=25
    )
)
def test_however_it_is_cut_the_words_are_the_same(parts: list[str]) -> None:
    text = "".join(parts)
    whole = "".join(streamed(text, 10_000)).replace(" ", "").replace(".", "")
    assert "".join(streamed(text, 3)).replace(" ", "").replace(".", "") == whole
