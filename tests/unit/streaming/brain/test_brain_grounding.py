from __future__ import annotations

import pytest

from avatarium.streaming.brain.grounding import is_grounded

PASSAGE = "Gift vouchers cost 25 euros and are valid for two years. Claudia Brunner sells them at the desk."


@pytest.mark.parametrize(
    "text",
    [
        "Vouchers are valid for two years.",
        "You can use it for 2 years, and it costs 25 euros.",
        "Ask Claudia Brunner; she has them.",
    ],
)
def test_other_words_for_the_same_are_fine(text: str) -> None:
    assert is_grounded(text, [PASSAGE], "How long is a voucher valid?")


@pytest.mark.parametrize(
    "text",
    [
        "Vouchers are valid for three years.",
        "They cost 52 euros.",
        "You can buy one from Claudia Keller.",
        "You can buy them in Zurich.",
        "Vouchers are not valid for two years.",
    ],
)
def test_what_was_added_or_turned_is_found(text: str) -> None:
    assert not is_grounded(text, [PASSAGE], "How long is a voucher valid?")


def test_a_yes_to_what_is_denied_is_found() -> None:
    passage = "After 30 days we cannot refund you."
    assert not is_grounded("Yes, you get your money back.", [passage], "Can I have a refund after 45 days?")
    assert is_grounded("After 30 days we cannot give it back.", [passage], "Can I have a refund after 45 days?")


def test_numbers_and_names_of_the_question_may_be_repeated() -> None:
    assert is_grounded("For 45 days it is good, and in Oslo too.", ["It is good."], "Is it good in Oslo for 45 days?")
