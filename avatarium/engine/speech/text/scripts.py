"""Whether a voice can read what a text is written in. Light: a request can be told before anything is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from avatarium.engine.speech.text.characters import script_of
from avatarium.engine.speech.tongues import TONGUES, code_of
from avatarium.errors import TextError

if TYPE_CHECKING:
    from avatarium.engine.speech.speakers import Voice

LONGEST_SAMPLE = 20_000
"""Characters that are looked at."""
_LATIN_WORDS = 3
"""So many words in Latin letters alone may be a name, which every voice reads."""
_HAN_LETTERS = 12
"""So many Chinese characters without any kana are no Japanese sentence."""
_WEIGHTS = {"CJK": 2.5, "HIRAGANA": 2.0, "KATAKANA": 2.0, "HANGUL": 2.0}
"""How many letters of an alphabet a character stands for."""
_MOST_NAMED = 4
_KANA = ("HIRAGANA", "KATAKANA")


def check_script(text: str, voice: Voice) -> None:
    """Refuse a text that is mostly in letters which the voice does not read.

    Args:
        text: as the caller gives it.
        voice: who is to speak it.

    Raises:
        TextError: code ``wrong_script``, with the languages whose voices read it.
    """
    check_letters(text, voice.language)


def check_letters(text: str, tag: str) -> None:
    """As :func:`check_script`, for any voice of a language such as ``en-US``."""
    letters = _letters(text[:LONGEST_SAMPLE])
    language = code_of(tag)
    tongue = TONGUES.get(language)
    if tongue is None or not letters:
        return
    own = sum(letters[script] for script in tongue.scripts)
    read = sum(letters[script] for script in tongue.read)
    if read < sum(letters.values()) - read:
        raise wrong_script(language, {script for script in letters if script not in tongue.read})
    if not own and "LATIN" not in tongue.scripts and len(text.split()) > _LATIN_WORDS:
        raise wrong_script(language, {"LATIN"})
    if language == "ja" and not any(letters[kana] for kana in _KANA) and letters["CJK"] > 2.5 * _HAN_LETTERS:
        raise wrong_script(language, {"CJK"})


def readers_of(scripts: Iterable[str]) -> list[str]:
    """English names of the languages whose own letters are among these scripts."""
    wanted = set(scripts)
    if wanted & set(_KANA):
        return ["Japanese"]
    return [tongue.name for tongue in TONGUES.values() if wanted & set(tongue.scripts)]


def wrong_script(language: str, scripts: Iterable[str]) -> TextError:
    """What is told to whoever gives a voice a text that it cannot read."""
    readers = [name for name in readers_of(scripts) if name != TONGUES[language].name]
    if "LATIN" in scripts:
        advice = "choose a voice of the text's language"
    elif readers:
        named = readers[:_MOST_NAMED]
        more = " or another language in these letters" if len(readers) > _MOST_NAMED else ""
        advice = f"choose a voice for {' or '.join(named)}{more}"
    else:
        advice = "no voice here reads it"
    return TextError(
        f"This voice reads {TONGUES[language].name}, and the text is written in another script; {advice}, or translate "
        "the text.",
        code="wrong_script",
    )


def _letters(text: str) -> Counter[str]:
    counted: Counter[str] = Counter()
    for character, times in Counter(text).items():
        script = script_of(character)
        if script and script != "COMBINING":
            counted[script] += round(times * _WEIGHTS.get(script, 1.0))
    return counted
