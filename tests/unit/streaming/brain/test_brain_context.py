from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.streaming.brain.context import UNITS_MAX, Kind, Passage, bounded, read_context, sentences
from avatarium.streaming.wire import CONTEXT_MAX


def only(text: str) -> Passage:
    (passage,) = read_context(text)
    return passage


@pytest.mark.parametrize(
    "text",
    [
        "Q: What does it cost?\nA: Five euros. Children pay nothing.",
        "Question 3: What does it cost?\nAnswer 3: Five euros.\nChildren pay nothing.",
        "**Q:** What does it cost? **A:** Five euros. Children pay nothing.",
        "Q: What does it cost? A: Five euros. Children pay nothing.",
        "What does it cost?\nFive euros. Children pay nothing.",
        "### What does it cost?\n\nFive euros. Children pay nothing.",
        "- Q. What does it cost?\n- A. Five euros. Children pay nothing.",
        "Q: What does it cost?\r\n\r\nA: Five euros. Children pay nothing.\r\n",
    ],
)
def test_questions_with_answers_are_known_in_any_layout(text: str) -> None:
    passage = only(text)
    assert passage.kind is Kind.PAIR
    assert passage.question == "What does it cost?"
    assert passage.sentences == ("Five euros.", "Children pay nothing.")


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("Frage: Was kostet es?\nAntwort: Fünf Euro.", "Was kostet es?", "Fünf Euro."),
        ("P: x\nPregunta: ¿Cuánto cuesta?\nRespuesta: Cinco euros.", "¿Cuánto cuesta?", "Cinco euros."),
        ("问：多少钱？\n答：五欧元。", "多少钱？", "五欧元。"),
    ],
)
def test_pairs_in_other_languages(text: str, question: str, answer: str) -> None:
    pair = next(passage for passage in read_context(text) if passage.kind is Kind.PAIR)
    assert (pair.question, pair.sentences) == (question, (answer,))


def test_an_answer_keeps_its_list() -> None:
    passage = only("Q: What is in the box?\nA: These things:\n- a cable\n- a case")
    assert passage.sentences[-2:] == ("a cable.", "a case.") or "a case." in " ".join(passage.sentences)
    assert "These things" in passage.sentences[0]


def test_a_paragraph_after_an_answer_is_its_own() -> None:
    pair, prose = read_context("Q: Is it free?\nA: Yes.\n\nThe museum stands in Bremen. It is old.")
    assert pair.sentences == ("Yes.",)
    assert prose.kind is Kind.PROSE and prose.sentences == ("The museum stands in Bremen.", "It is old.")


@pytest.mark.parametrize(
    "text",
    [
        "# Prices\n- Adults: 14 euros\n- Children: free",
        "Prices:\n* Adults: 14 euros\n* Children: free",
        "Prices\nAdults: 14 euros\nChildren: free",
        "## Prices ##\n\n1. Adults: 14 euros\n2) Children: free",
        "Prices\n| who | price |\n|---|---|\n| Adults | 14 euros |\n| Children | free |",
    ],
)
def test_lists_keep_their_heading(text: str) -> None:
    passage = only(text)
    assert passage.kind is Kind.LIST
    assert passage.heading == "Prices"
    assert passage.sentences[-2:] == ("Adults: 14 euros.", "Children: free.")


def test_wrapped_lines_are_one_text() -> None:
    passage = only("The house was built\nby the Brunner family\nin 1954. It stands\nnear the river.")
    assert passage.sentences == ("The house was built by the Brunner family in 1954.", "It stands near the river.")


def test_marks_of_layout_are_gone() -> None:
    assert only("The **sauna** is [open](https://example.org) `daily`.").sentences == ("The sauna is open daily.",)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Dr. Smith lives in St. Mary. He is 3.5 feet tall.", 2),
        ("Open from 9 a.m. to 5 p.m. every day. Closed on Mondays.", 2),
        ("Das kostet z. B. 5 Euro. Mehr nicht.", 2),
        ("J. R. Tolkien wrote it. Really!", 2),
        ("营业时间是九点。周一休息。", 2),
        ("यह पहला है। यह दूसरा है।", 2),
        ("Wait... what? Yes!", 2),
        ("no end", 1),
    ],
)
def test_sentences_end_where_people_end_them(text: str, count: int) -> None:
    assert len(list(sentences(text))) == count


@pytest.mark.parametrize("text", ["", "  \n\n ", "---\n***\n|---|---|"])
def test_nothing_gives_nothing(text: str) -> None:
    assert read_context(text) == ()


def test_only_so_much_is_read() -> None:
    passages = read_context("word " * 4000)
    assert sum(len(sentence) for passage in passages for sentence in passage.sentences) <= CONTEXT_MAX + 1


LINE = st.text(st.sampled_from("ab Q:A.?!-*#|1\u3002\u4e00"), max_size=30)


@given(st.lists(LINE, max_size=12))
def test_whatever_is_written_its_words_are_kept(lines: list[str]) -> None:
    text = "\n".join(lines)
    read = " ".join(" ".join((p.heading, p.question, *p.sentences)) for p in read_context(text))
    for passage in read_context(text):
        assert passage.sentences and all(sentence.strip() for sentence in passage.sentences)
    assert read.count("\u4e00") <= text.count("\u4e00") * max(1, len(read_context(text)))


TINY = {
    "sentences": ". ".join(["Abcd"] * 900)[:5000],
    "items": "Things:\n" + "\n".join(["- abcde"] * 600),
    "pairs": "\n".join(f"Q: a{i}?\nA: b{i}." for i in range(350)),
    "headings": "\n".join(f"# h{i}\nbc." for i in range(500)),
    "paragraphs": "\n\n".join(["Abcd."] * 700),
}


@pytest.mark.parametrize("text", TINY.values(), ids=TINY)
def test_a_context_of_tiny_parts_is_searched_by_no_more_units_than_others(text: str) -> None:
    """833 sentences of four letters were 1667 units, which took seven seconds to embed."""
    passages = read_context(text)
    fewer = bounded(passages)
    count = sum(1 if one.kind is Kind.PAIR else len(one.sentences) for one in fewer)
    assert UNITS_MAX / 8 < count <= UNITS_MAX < sum(len(one.sentences) for one in passages)

    def letters(found: Iterable[Passage]) -> int:
        said = [*(word for one in found for word in " ".join((one.question, *one.sentences)).split())]
        return sum(c.isalnum() for word in said for c in word)

    assert letters(fewer) >= letters(passages), "nothing of it is lost"


def test_a_context_of_usual_sentences_is_left_as_it_is() -> None:
    passages = read_context(("We are open from nine to five, and on Sundays until noon. " * 100)[:5000])
    assert bounded(passages) == passages
