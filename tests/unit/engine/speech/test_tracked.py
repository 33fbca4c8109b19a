from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from avatarium.engine.speech.text.tracked import Tracked


def source_of(tracked: Tracked, word: str, source: str) -> str:
    at = tracked.text.index(word)
    spans = tracked.spans[at : at + len(word)]
    return source[min(a for a, _ in spans) : max(b for _, b in spans)]


def test_replacement_stands_for_what_it_replaced() -> None:
    source = "It costs $5 now"
    tracked = Tracked.of(source).sub(re.compile(r"\$(\d)"), lambda m: "five dollars")
    assert tracked.text == "It costs five dollars now"
    assert source_of(tracked, "dollars", source) == "$5"
    assert source_of(tracked, "now", source) == "now"


def test_common_ends_keep_their_own_place() -> None:
    source = "10 km away"
    tracked = Tracked.of(source).sub(re.compile(r"(\d+) km"), lambda m: f"{m[1]} kilometers")
    assert source_of(tracked, "10", source) == "10"
    assert source_of(tracked, "kilometers", source) == "km"


def test_text_rewritten_elsewhere_is_matched_word_by_word() -> None:
    source = "Meet Dr. Smith on May 4 please"
    tracked = Tracked.of(source).rewritten("Meet Doctor Smith on May fourth please")
    assert source_of(tracked, "Doctor", source).strip() == "Dr."
    assert source_of(tracked, "fourth", source).strip() == "4"
    assert source_of(tracked, "please", source) == "please"


@given(st.text(max_size=60), st.text(max_size=60))
def test_every_character_has_a_place_in_the_source(source: str, new: str) -> None:
    tracked = Tracked.of(source).rewritten(new)
    assert tracked.text == new
    assert len(tracked.spans) == len(new)
    assert all(0 <= a <= b <= len(source) for a, b in tracked.spans)
