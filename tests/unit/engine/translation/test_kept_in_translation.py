"""What must be the same in both languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.engine.translation.sentences import (
    by_sentence,
    finished,
    hide,
    numbers,
    sentences,
    show,
    with_numbers_of,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Hello there. How are you?", ["Hello there.", "How are you?"]),
        ("Ask Dr. Smith at 10.30 p.m. today.", ["Ask Dr. Smith at 10.30 p.m. today."]),
        ("No. I do not.", ["No.", "I do not."]),
        ("J. S. Bach wrote it.", ["J. S. Bach wrote it."]),
        ('He said "Stop!" Then he left.', ['He said "Stop!"', "Then he left."]),
        ("你好。今天好吗？", ["你好。", "今天好吗？"]),  # noqa: RUF001
        ("no end", ["no end"]),
        ("", []),
    ],
)
def test_sentences_end_where_they_do(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=80))
def test_no_letter_is_lost_between_sentences(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_texts_are_put_together_as_they_were_cut() -> None:
    assert by_sentence(["A. B.", "", "C"], lambda all_of: [s.lower() for s in all_of]) == ["a. b.", "", "c"]


def test_placeholders_and_addresses_come_back() -> None:
    hidden, kept = hide("Dear {name}, see https://example.org/a?b=1 or ask me@example.org.")
    assert "{" not in hidden and "http" not in hidden
    assert show(hidden.lower(), kept) == "dear {name}, see https://example.org/a?b=1 or ask me@example.org."


def test_a_number_that_an_engine_changed_is_put_right() -> None:
    assert with_numbers_of("It costs $25.99 at 10:30.", "Cuesta $29.99 a las 10:30.") == "Cuesta $25.99 a las 10:30."


def test_numbers_in_the_manner_of_the_language_stay() -> None:
    assert with_numbers_of("It costs 25.99.", "Cuesta 25,99.") == "Cuesta 25,99."
    assert numbers("25.99") == numbers("25,99")


def test_spanish_opens_its_questions() -> None:
    assert finished("Are you sure?", "usted tiene certeza?", "es") == "¿Usted tiene certeza?"
    assert finished("Are you sure?", "você tem certeza?", "pt") == "Você tem certeza?"
