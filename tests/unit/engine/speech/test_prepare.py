from __future__ import annotations

import contextlib
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarium.engine.speech import MAX_CHARACTERS, prepare
from avatarium.errors import OptionError, TextError


def spoken(text: str, language: str = "en-US") -> str:
    return " | ".join(sentence.spoken for sentence in prepare(text, language))


def pairs(text: str, language: str = "en-US") -> dict[str, str]:
    return {token.written: token.spoken for sentence in prepare(text, language) for token in sentence.tokens}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1,250 people", "one thousand two hundred and fifty people"),
        ("3.14", "three point one four"),
        ("-5", "minus five"),
        ("007", "zero zero seven"),
        ("12345678901234567", "one two three four five six seven eight nine zero one two three four five six seven"),
        ("the 1st and the 22nd", "the first and the twenty-second"),
        ("in 1984", "in nineteen eighty-four"),
        ("$5", "five dollars"),
        ("$5.50", "five dollars and fifty cents"),
        ("$0.99", "ninety-nine cents"),
        ("£1.01", "one pound and one penny"),
        ("€2000", "two thousand euros"),
        ("$5 million", "five million dollars"),
        ("£3bn", "three billion pounds"),
        ("10 USD", "ten dollars"),
        ("3/4/2024", "March fourth, twenty twenty-four"),
        ("2024-12-25", "December twenty-fifth, twenty twenty-four"),
        ("at 3:30 pm", "at three thirty P.M."),
        ("at 9:00", "at nine o'clock"),
        ("5%", "five percent"),
        ("20°C", "twenty degrees Celsius"),
        ("10 km", "ten kilometers"),
        ("AT&T", "AT and T"),
        ("e.g. this", "for example this"),
        ("Chapter IV", "Chapter four"),
        ("call 555-1234", "call five five five, one two three four"),
        ("+1 (555) 123-4567", "plus one, five five five, one two three, four five six seven"),
        ("a.b@c-d.com", "a dot b at c dash d dot com"),
        ("https://www.example.com/docs?x=1", "example dot com slash docs"),
        ("https://example.com/" + "a" * 90, "example dot com"),
        ("I ❤️❤️ it", "I red heart it"),
        ("x²", "x squared"),
        ("½ cup", "a half cup"),
        ("24/7", "twenty-four seven"),
        ("1/2", "one half"),
        ("3-4", "three to four"),
        ("naïve ﬁne ＡＢＣ", "naïve fine ABC"),
        ("a < b", "a less than b"),
        ("*bold* _it_ ### ---> end", "bold it end"),
        ("hello Привет 你好", "hello"),
    ],
)
def test_english_readings(written: str, said: str) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en-GB", "3/4/2024", "the third of April twenty twenty-four"),
        ("es", "1.234,50 €", "mil doscientos treinta y cuatro euros con cincuenta céntimos"),
        ("es", "a las 15:30", "a las quince y treinta"),
        ("es", "El Sr. García, 2ª, siglo XX, Luis XIV", "El señor García, segunda, siglo veinte, Luis catorce"),
        ("es", "21 % y 21 libras", "veintiuno por ciento y veintiuna libras"),
        ("fr", "à 15h30", "à quinze heures trente"),
        ("fr", "le 1/4/2024", "le premier avril deux mille vingt-quatre"),
        ("fr", "au XIXe siècle", "au dix-neuvième siècle"),
        ("fr", "5 millions €", "cinq millions d'euros"),
        ("it", "3 euro e 1,5 kg", "tre euro e uno virgola cinque chilogrammi"),
        ("pt-BR", "R$ 10,50", "dez reais e cinquenta centavos"),
        ("pt-BR", "2 horas", "duas horas"),
        ("hi", "₹500", "500 रुपये"),
    ],
)
def test_readings_of_other_languages(language: str, written: str, said: str) -> None:
    assert spoken(written, language) == said


def test_each_written_token_keeps_what_is_said_for_it() -> None:
    said = pairs("It costs $5.50 at 3:30, e.g. in Peter's shop 🙂 now.")
    assert said["$5.50"] == "five dollars and fifty cents"
    assert said["3:30,"] == "three thirty,"
    assert said["e.g."] == "for example"
    assert said["Peter's"] == "Peter's"
    assert said["🙂"] == "slightly smiling face"


def test_words_read_as_one_are_one_token() -> None:
    assert pairs("about $5 million now")["$5 million"] == "five million dollars"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Dr. Smith met J. K. Rowling. They talked.", 2),
        ("The U.S. Army came. It left.", 2),
        ("He came at 9 a.m. and left. Then 3.5 hours passed.", 2),
        ('"Wait!" she said. No. 5 is fine.', 2),
        ("1. Begin here.", 1),
        ("Really?! Yes… No.", 3),
        ("First paragraph\n\nSecond paragraph", 2),
        ("A line that an editor wrapped because it was long\nand that goes on here.", 1),
        ("Title\nText below it.", 2),
    ],
)
def test_sentences(text: str, count: int) -> None:
    assert len(prepare(text, "en")) == count


def test_text_without_any_punctuation_is_cut_between_words() -> None:
    sentences = prepare("word " * 400, "en")
    assert len(sentences) > 5
    assert " ".join(sentence.spoken for sentence in sentences).split() == ["word"] * 400
    assert len(prepare("x" * 1000, "en")) > 1


def test_breaks() -> None:
    first, second, third = prepare('<speak>One<break time="500ms"/> two <break strength="strong"/>three</speak>', "en")
    assert (first.pause_after_s, second.pause_after_s, third.pause_after_s) == (0.5, 0.8, None)
    assert prepare('Hi<break time="99s"/>there', "en")[0].pause_after_s == 10.0
    assert prepare('<break time="1s"/><break time="1s"/>Hi', "en")[0].pause_before_s == 2.0
    *_, last = prepare('Hi.<break time="1s"/>!<break time="2s"/>', "en")
    assert last.tokens == () and last.pause_before_s == 2.0


def test_tags_are_left_out_and_plain_signs_stay() -> None:
    assert spoken('<speak>AT&amp;T <emphasis level="strong">is</emphasis> big</speak>') == "AT and T is big"
    assert spoken("if a <b or 3> 2") == "if a less than b or three greater than two"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty_text"),
        (" \n\t", "empty_text"),
        ("...!?", "nothing_to_say"),
        ('<break time="1s"/>', "nothing_to_say"),
        ("Привет, мир", "wrong_script"),
        ("안녕하세요", "wrong_script"),
        ("你好。", "wrong_script"),
        ("こんにちは", "wrong_script"),
        ("नमस्ते", "wrong_script"),
        ("x" * (MAX_CHARACTERS + 1), "text_too_long"),
        ('Hi <break time="soon"/>', "bad_break"),
        ('Hi <break strength="huge"/>', "bad_break"),
        ('a<break time="10s"/>' * 61, "pauses_too_long"),
    ],
)
def test_bad_text(text: str, code: str) -> None:
    with pytest.raises(TextError) as caught:
        prepare(text, "en-US")
    assert caught.value.code == code


def test_language_without_readings() -> None:
    with pytest.raises(OptionError) as caught:
        prepare("saluton", "eo")
    assert caught.value.code == "no_voice_for_language"


def test_wrong_script_names_the_voices_that_can_read_it() -> None:
    with pytest.raises(TextError, match="Hindi"):
        prepare("नमस्ते", "en")


def letters(text: str, script: str) -> int:
    return sum(unicodedata.category(c)[0] == "L" and unicodedata.name(c, "").startswith(script) for c in text)


MIXED = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("ab ZÉß19.,-/:$€%@#&<>😀\n'’()")), max_size=200)


@settings(max_examples=150, deadline=None)
@given(MIXED, st.sampled_from(["en-US", "en-GB", "es", "fr", "it", "pt-BR", "hi"]))
def test_any_text_is_read_or_refused_and_no_written_word_is_lost(text: str, language: str) -> None:
    try:
        sentences = prepare(text, language)
    except TextError as error:
        assert error.code in {"empty_text", "nothing_to_say", "no_voice_for_language", "wrong_script", "bad_break"}
        assert letters(text.replace("<", ""), "LATIN") == 0 or "<" in text
        return
    for sentence in sentences:
        for token in sentence.tokens:
            assert any(c.isalnum() for c in token.spoken)
    if "<" not in text and "&" not in text:
        written = "".join(token.written for sentence in sentences for token in sentence.tokens)
        assert letters(written, "LATIN") == letters(text, "LATIN")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text(st.characters(categories=["Ll", "Lu"], max_codepoint=0x24F), min_size=1), min_size=1, max_size=8)
)
def test_every_latin_word_is_spoken(words: list[str]) -> None:
    for sentence in prepare(" ".join(words), "es"):
        for token in sentence.tokens:
            latin = [word for word in token.written.split() if letters(word, "LATIN")]
            assert len(latin) <= len(token.spoken.split())


def cost(text: str) -> float:
    start = time.process_time()
    with contextlib.suppress(TextError):
        prepare(text, "en")
    return time.process_time() - start


@pytest.mark.parametrize("text", ["<", '<a b="', "1", "a.", "$", "-", "a@", "#a ", "😀"])
def test_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    short, long = text * (2000 // len(text)), text * (20000 // len(text))
    cost(short)
    assert cost(long) < 40 * cost(short) + 0.5
