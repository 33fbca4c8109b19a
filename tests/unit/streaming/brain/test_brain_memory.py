from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from avatarium.streaming.brain import Memory


def test_the_oldest_is_forgotten_first() -> None:
    memory = Memory(turns_max=2)
    for number in range(4):
        memory.add(f"question {number}", f"answer {number}")
    assert [exchange.question for exchange in memory] == ["question 2", "question 3"]


def test_what_the_avatar_said_of_its_own_is_no_question() -> None:
    memory = Memory()
    memory.add("What is it?", "A cat.")
    memory.add("", "By the way, we close soon.")
    assert memory.last is not None and memory.last.question == "What is it?"
    assert len(memory) == 2


def test_nothing_is_not_remembered() -> None:
    memory = Memory()
    memory.add("  ", "")
    assert len(memory) == 0 and memory.last is None


def test_another_context_starts_anew() -> None:
    memory = Memory()
    memory.add("a", "b", interrupted=True)
    memory.forget()
    assert list(memory) == []


@given(st.lists(st.tuples(st.text(max_size=300), st.text(max_size=300)), max_size=30))
def test_memory_is_bounded(exchanges: list[tuple[str, str]]) -> None:
    memory = Memory(turns_max=5, characters_max=400)
    for question, answer in exchanges:
        memory.add(question, answer)
        assert len(memory) <= 5
        assert sum(exchange.characters for exchange in memory) <= 400
