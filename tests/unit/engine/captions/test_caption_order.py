"""Words from right to left and from left to right in one line, by the examples of UAX 9 and by hand."""

from __future__ import annotations

import pytest

from avatarium.engine.captions.bidi import in_visual_order, runs_backward


def seen(line: str, *, backward: bool) -> str:
    return "".join((" " if part.spaced else "") + part.text for part in in_visual_order(line, backward=backward))


@pytest.mark.parametrize(
    ("line", "backward", "expected"),
    [
        ("one two three", False, "one two three"),
        ("אחת שתיים שלוש", True, "שלוש שתיים אחת"),
        ("אל Avatarium 2 שלנו", True, "שלנו Avatarium 2 אל"),
        ("אני hello world. כן", True, "כן .hello world אני"),
        ("(hello world) כן", True, "כן )hello world("),
        ("say שלום עולם now", False, "say עולם שלום now"),
        ("say שלום, עולם! now", False, "say עולם ,שלום! now"),
        ("שנת 2026 טובה", True, "טובה 2026 שנת"),
        ("כן – לא", True, "לא – כן"),
        ("", True, ""),
    ],
)
def test_words_stand_where_a_reader_expects_them(line: str, backward: bool, expected: str) -> None:
    assert seen(line, backward=backward) == expected


def test_parts_know_where_they_come_from() -> None:
    line = "אני hello world. כן"
    for part in in_visual_order(line, backward=True):
        assert line[part.start : part.start + len(part.text)] == part.text


def test_the_direction_of_a_text_is_that_of_most_of_its_letters() -> None:
    assert runs_backward("Avatarium מנגן את כל השירים") and not runs_backward("the word שלום means peace")
    assert not runs_backward("1, 2, 3")
