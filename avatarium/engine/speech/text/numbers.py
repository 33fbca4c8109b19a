"""Numbers as words, by num2words, with what it leaves out: years, digits one by one, gender."""

from __future__ import annotations

import re

from num2words import num2words

from avatarium.engine.speech.text.locales import Locale

NUMBER = r"\d{1,3}(?:[,.'  ]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?"
"""A number as people write it; which sign is the decimal one is the language's."""

_LONGEST_NAMED = 15
"""Digits; longer numbers are read digit by digit, as nobody follows a quadrillion."""
_LAST_YEARS = range(1100, 2100)
_NO_NOUNS = frozenset(["por", "per", "pour", "y", "e", "et", "a", "à", "de", "di", "o", "ou", "más", "mas", "ma", "na"])
_FRENCH_FEMININE = re.compile(r"(heure|minute|seconde|livre|roupie|tonne|fois|page|personne|année)s?$")


def split(number: str, locale: Locale) -> tuple[str, str]:
    """The digits before and after the decimal sign of a number as people write it."""
    thousands = "," if locale.decimal == "." else "."
    grouped = re.fullmatch(rf"\d{{1,3}}(?:[{thousands}'  ]\d{{3}})+({re.escape(locale.decimal)}\d+)?", number)
    if grouped:
        whole, _, fraction = number.partition(locale.decimal)
        return re.sub(r"\D", "", whole), fraction
    whole, _, fraction = re.sub(r"['  ]", "", number).replace(",", ".").partition(".")
    return whole, fraction.replace(".", "")


def spoken_number(number: str, locale: Locale, following: str = "") -> str:
    """A number as words, or as plain digits for a language whose front end reads them itself.

    Args:
        number: digits with the language's separators, no sign.
        following: the next word, with which languages of two genders agree.
    """
    whole, fraction = split(number, locale)
    if fraction and not locale.point:
        return f"{int(whole)}{locale.decimal}{fraction}"
    words = _agree(_whole(whole, number, locale), following if not fraction else "", locale)
    if not fraction:
        return words
    return f"{words} {locale.point} {_fraction(fraction, locale)}"


def counted(forms: list[str], amount: str) -> str:
    """The form of a noun, of those for one, many and (last, where there are more than two or four) a few."""
    if amount == "1":
        return forms[0]
    few = forms[-1] if len(forms) in (3, 5) else forms[1]
    return few if amount.isdigit() and amount[-1] in "234" and amount[-2:-1] != "1" else forms[1]


def spoken_digits(digits: str, locale: Locale) -> str:
    """Digits one by one."""
    return " ".join(_cardinal(int(d), locale) if d.isdigit() else d for d in digits)


def spoken_ordinal(number: int, locale: Locale, *, feminine: bool = False) -> str:
    """First, second, third; feminine in the languages that tell."""
    if not locale.number_language:
        return str(number)
    words = str(num2words(number, lang=locale.number_language, to="ordinal")).replace(",", "")
    if not feminine:
        return words
    if locale.language == "fr":
        return "première" if number == 1 else words
    return re.sub(r"o\b", "a", words)


def _whole(whole: str, number: str, locale: Locale) -> str:
    if len(whole) > _LONGEST_NAMED or (len(whole) > 1 and whole[0] == "0"):
        return spoken_digits(whole, locale)
    value = int(whole)
    if locale.language == "en" and number == whole and len(whole) == 4 and value in _LAST_YEARS:
        return str(num2words(value, lang="en", to="year")).replace(",", "")
    return _cardinal(value, locale)


def _cardinal(value: int, locale: Locale) -> str:
    if not locale.number_language:
        return str(value)
    return str(num2words(value, lang=locale.number_language)).replace(",", "")


def _fraction(digits: str, locale: Locale) -> str:
    """English reads the digits of a fraction; Romance languages read short ones as a number."""
    if locale.language in ("es", "fr", "it", "pt") and len(digits) <= 2 and digits[0] != "0":
        return _cardinal(int(digits), locale)
    return spoken_digits(digits, locale)


def _agree(words: str, following: str, locale: Locale) -> str:
    if not following or following.lower() in _NO_NOUNS:
        return words
    feminine = bool(re.search(r"as?$", following))
    match locale.language:
        case "es":
            words = re.sub(r"cientos\b", "cientas", words) if feminine else words
            ending = "una" if feminine else "un"
            words = re.sub(r"\bveintiuno$", "veintiuna" if feminine else "veintiún", words)
            return re.sub(r"\buno$", ending, words)
        case "pt" if feminine:
            return re.sub(r"\bdois$", "duas", re.sub(r"\bum$", "uma", words)).replace("centos", "centas")
        case "it" if words == "uno":
            return "una" if feminine else "un"
        case "fr" if _FRENCH_FEMININE.search(following):
            return re.sub(r"\bun$", "une", words)
        case _:
            return words
