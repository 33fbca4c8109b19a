"""Words cut into cues by the rules of broadcasters."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarium.engine.speech import Word
from avatarium.engine.subtitles import LINES, LONGEST_LINE, LONGEST_S, Cue, cues


def said(text: str, *, letter_s: float = 0.07, gap_s: float = 0.03) -> list[Word]:
    """The words of a text, spoken evenly."""
    words, at_s = [], 0.0
    for part in text.split():
        words.append(Word(text=part, start_s=at_s, end_s=at_s + letter_s * len(part)))
        at_s = words[-1].end_s + gap_s
    return words


def signs(text: str) -> list[Word]:
    """As recognisers tell of languages without blanks: a word for every letter."""
    return [Word(text=letter, start_s=0.2 * i, end_s=0.2 * i + 0.2) for i, letter in enumerate(text)]


def letters(made: tuple[Cue, ...]) -> str:
    return "".join("".join(line.split()) for cue in made for line in cue.lines)


words_of_any_length = st.lists(
    st.tuples(
        st.text(st.sampled_from("abcdeé.,!"), min_size=1, max_size=14),
        st.floats(0.05, 1.5),
        st.sampled_from([0.0, 0.02, 0.2, 0.8, 3.0]),
    ),
    min_size=1,
    max_size=60,
)


@settings(deadline=None, max_examples=60)
@given(words_of_any_length)
def test_every_word_is_shown_once_in_order_at_its_time(told: list[tuple[str, float, float]]) -> None:
    words, at_s = [], 0.0
    for text, length_s, gap_s in told:
        words.append(Word(text=text, start_s=at_s, end_s=at_s + length_s))
        at_s += length_s + gap_s
    made = cues(words)
    assert letters(made) == "".join(text for text, _, _ in told)
    assert made[0].start_s == words[0].start_s
    begins = {word.start_s for word in words}
    for cue, after in zip(made, [*made[1:], None], strict=True):
        assert cue.start_s in begins
        assert 0 < len(cue.lines) <= LINES
        assert all(len(line) <= LONGEST_LINE for line in cue.lines)
        assert cue.start_s < cue.end_s <= cue.start_s + LONGEST_S + 1e-9
        assert after is None or cue.end_s <= after.start_s


def test_a_cue_ends_with_the_sentence_and_a_line_with_the_clause() -> None:
    made = cues(
        said("When the rain had stopped, we all went down to the harbour. Nobody had expected what we saw there.")
    )
    assert [cue.lines for cue in made] == [
        ("When the rain had stopped,", "we all went down to the harbour."),
        ("Nobody had expected what we saw there.",),
    ]


def test_lines_do_not_end_with_a_little_word_that_belongs_to_the_next() -> None:
    for cue in cues(said("It was one of the most remarkable stories that a visitor to the island had ever told us")):
        assert all(line.split()[-1] not in ("a", "the", "of", "to") for line in cue.lines), cue


def test_long_silence_parts_cues_and_nothing_is_shown_in_it() -> None:
    words = [Word(text="One.", start_s=0.0, end_s=1.2), Word(text="Two.", start_s=6.0, end_s=7.2)]
    made = cues(words)
    assert [(cue.start_s, cue.end_s) for cue in made] == [(0.0, 1.2), (6.0, 7.2)]


def test_a_word_alone_is_held_for_a_second_but_never_over_the_next() -> None:
    assert cues([Word(text="Hi!", start_s=2.0, end_s=2.2)])[0].end_s == 3.0
    made = cues([Word(text="Hi!", start_s=0.0, end_s=0.2), Word(text="There.", start_s=1.75, end_s=3.0)])
    assert made[0].end_s == pytest.approx(1.0)


def test_gaps_that_would_flicker_are_closed() -> None:
    words = said(
        "This is a first sentence that takes a line. This is a second sentence that takes another one.", gap_s=0.1
    )
    made = cues(words)
    assert len(made) == 2 and made[0].end_s == made[1].start_s


def test_chinese_and_japanese_have_no_blanks_and_sixteen_letters_a_line() -> None:
    text = "欢迎使用我们的新平台，祝您有愉快的一天。我们每天都在学习新的东西，谢谢大家。"
    made = cues(signs(text))
    assert letters(made) == text
    for cue in made:
        assert all(len(line) <= 16 and " " not in line for line in cue.lines)
        assert all(line[0] not in "，。、" for line in cue.lines)


def test_a_sentence_that_comes_as_one_word_is_broken_with_its_time() -> None:
    text = "私たちの新しいプラットフォームへようこそいらっしゃいました、どうぞごゆっくりお過ごしください。"
    made = cues([Word(text=text, start_s=1.0, end_s=9.0)])
    assert letters(made) == text and len(made) > 1
    assert made[0].start_s == 1.0 and made[-1].end_s == pytest.approx(9.0)


def test_korean_keeps_its_blanks() -> None:
    assert cues(said("우리의 새로운 플랫폼에 오신"))[0].lines == ("우리의 새로운 플랫폼에 오신",)


def test_thai_signs_are_joined_and_marks_stay_on_their_letters() -> None:
    text = "ยินดีต้อนรับสู่แพลตฟอร์มใหม่ของเรา"
    made = cues(signs(text))
    assert letters(made) == text
    for line in (line for cue in made for line in cue.lines):
        assert " " not in line and line[0] not in "ิีุู้่์ะา"


def test_signs_cling_to_the_word_before_them_and_brackets_to_the_one_after() -> None:
    words = [
        Word(text=text, start_s=float(i), end_s=i + 0.9) for i, text in enumerate(("Bonjour", "!", "«", "Oui", "»"))
    ]
    assert letters(cues(words)) == "Bonjour!«Oui»"
    assert cues(words)[0].text.startswith("Bonjour!")


def test_narrow_pictures_get_shorter_lines() -> None:
    for cue in cues(said("The quick brown fox jumps over the lazy dog and away"), longest_line=16):
        assert all(len(line) <= 16 for line in cue.lines)


def test_nothing_said_is_nothing_shown() -> None:
    assert cues([]) == () and cues([Word(text=" ", start_s=0.0, end_s=1.0)]) == ()
