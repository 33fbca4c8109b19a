"""What is not a word, as words: one rule for each kind of thing that people write.

The rules run in order over a :class:`Tracked` text; each turns what it knows into words or plain numbers and leaves the
rest alone. Numbers come last, so that a date or a price may leave them to the rule of the numbers.
"""

from __future__ import annotations

import datetime
import functools
import re
import unicodedata
from collections.abc import Callable, Iterator

import emoji
from hibari.g2p.normalize import normalize as normalize_english

from avatarium.engine.speech.text import chinese, japanese, numbers
from avatarium.engine.speech.text.characters import spoken_form
from avatarium.engine.speech.text.locales import Locale
from avatarium.engine.speech.text.segments import words_apart
from avatarium.engine.speech.text.tracked import Tracked
from avatarium.engine.speech.tongues import UNSPACED

Rule = Callable[[Tracked, Locale], Tracked]
LONGEST_SPOKEN_PATH = 40
"""Characters; of a longer address only the host is read, since nobody can follow the rest by ear."""

_DOMAINS = "com|org|net|edu|gov|io|co|uk|de|fr|es|it|pt|br|in|jp|info|biz|us|ca|au|tv|me|ai|app|dev|eu|ch|mx|ar"
_URL = re.compile(
    r"(?:https?://|ftp://|www\.)[^\s<>\"“”]{1,2000}"
    rf"|(?<![\w@.-])(?:[A-Za-z0-9-]{{1,63}}\.){{1,5}}(?:{_DOMAINS})(?:/[^\s<>\"“”]{{0,2000}})?(?![\w@]|\.\w)",
    re.IGNORECASE,
)
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?!\w)")
_DATE_ISO = re.compile(r"(?<![\w.-])(\d{4})-(\d{1,2})-(\d{1,2})(?![\w-])")
_DATE = re.compile(r"(?<![\w./-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\w/])")
_TIME = re.compile(r"(?<![\w:.,])([01]?\d|2[0-4])(?::|\s?[hH]\s?)([0-5]\d)(?::[0-5]\d)?(?:\s?(?:h(?!\w)|बजे))?(?![\w:])")
_HOUR = re.compile(r"(?<![\w:.,])([01]?\d|2[0-4])\s?h(?![\w:])")
_PHONE = re.compile(
    r"(?<![\w+])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){1,5}"
    r"|\(\d{2,4}\)[ .-]?\d{3,4}[ .-]\d{3,4}|\d{3}[.-]\d{3}[.-]\d{4}|\d{3}-\d{4}|0\d(?:[ .-]\d{2}){4})(?![\w-])"
)
_RANGE = re.compile(r"(?<![\w.,-])(\d[\d.,]{0,8})\s?[-–]\s?(?=\d[\d.,]{0,8}(?![\w-]))")
_MINUS = re.compile(r"(?<![\w)\]])[-−–](?=\d)")
_ROMAN = r"(?=[IVXLC])(?:C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_CENTURY = re.compile(rf"\b([Ss]iglos?|[Ss]ecol[oi]|[Ss]éculos?)\s({_ROMAN})\b")
_CENTURY_FR = re.compile(rf"\b({_ROMAN})(?:e|ème|er|ᵉ)\b(?=\s+si[èe]cles?)")
_RULER = re.compile(rf"(?<=[a-zà-ÿ]\s)(?=[IVX]{{2,}}\b)({_ROMAN})\b(?!['’.]\w)")
_ISO_MONEY = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "BRL": "R$", "KRW": "₩", "CHF": "CHF"}
_SCALES = {"k": 1_000, "K": 1_000, "M": 1_000_000, "m": 1_000_000, "bn": 1_000_000_000, "B": 1_000_000_000}
_SCALE_NAMES = {
    "en": ("thousand", "million", "billion"),
    "es": ("mil", "millones", "mil millones"),
    "fr": ("mille", "millions", "milliards"),
    "it": ("mila", "milioni", "miliardi"),
    "pt": ("mil", "milhões", "bilhões"),
    "hi": ("हज़ार", "मिलियन", "बिलियन"),
}
_ARROW = re.compile(r"(?:[-=~]{1,10}>|<[-=~]{1,10}|([*#=+~_&%@^°/\\<>|])\1{1,200})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_GREEK_WORD = re.compile(r"[Ͱ-Ͽἀ-῿]{3,}")
_HASHTAG = re.compile(r"(?<![\w&])#(?=[^\W\d_])")
_COMBINED = re.compile(r"[^\W\d_][\u0300-\u036f\u3099\u309a]{1,8}|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")
"""Letters with their marks apart, as some systems write them: Latin and others, kana, and Korean syllables."""
_BLANKS = re.compile(r"\s+")
_SLASH = re.compile(r"/")
_LOOSE_PUNCTUATION = re.compile(r" (?=[,.;:!?…](?:\s|$))")


def read_out(source: Tracked, locale: Locale) -> Tracked:
    """Everything that is not a word, as words."""
    for rule in _UNSPACED_RULES if locale.language in UNSPACED else _RULES:
        source = rule(source, locale)
    return source


def _emoji(text: Tracked, locale: Locale) -> Tracked:
    if text.text.isascii():
        return text

    def edits() -> Iterator[tuple[int, int, str]]:
        last = ""
        end = -1
        for found in emoji.emoji_list(text.text):
            name = _emoji_name(found["emoji"], locale.emoji)
            # Five hearts in a row are one enthusiastic heart.
            same = name == last and not text.text[end : found["match_start"]].strip()
            yield found["match_start"], found["match_end"], " " if same else f" {name} "
            last, end = name, found["match_end"]

    return text.edited(edits())


@functools.lru_cache(maxsize=4096)
def _emoji_name(sign: str, language: str) -> str:
    if not language or sign in "©®™":
        return ""
    plain = re.sub("[\U0001f3fb-\U0001f3ff]", "", sign)
    name = emoji.demojize(plain, language=language).strip(":").replace("_", " ").replace(":", " ")
    return "" if name == plain else name


def _composed(text: Tracked, locale: Locale) -> Tracked:
    return text if text.text.isascii() else text.sub(_COMBINED, lambda m: unicodedata.normalize("NFC", m.group()))


def _addresses(text: Tracked, locale: Locale) -> Tracked:
    if "." not in text.text:
        return text
    text = text.sub(_MAIL, lambda m: _spelled(m.group(), locale))
    return text.sub(_URL, lambda m: _url(m.group(), locale))


def _url(url: str, locale: Locale) -> str:
    kept = url.rstrip(".,;:!?)'…")
    bare = re.sub(r"^(?:[a-z]+://)?(?:www\.)?", "", kept, flags=re.IGNORECASE).rstrip("/")
    bare = re.split(r"[?#]", bare)[0].rstrip("/")
    if len(bare) > LONGEST_SPOKEN_PATH:
        bare = bare.split("/")[0]
    return _spelled(bare, locale) + url[len(kept) :]


def _spelled(address: str, locale: Locale) -> str:
    signs = {".": locale.dot, "@": locale.at, "/": locale.slash, "-": locale.dash, "_": locale.underscore, "+": "plus"}
    spoken = "".join(f" {signs[c]} " if c in signs else c for c in address)
    return _BLANKS.sub(" ", re.sub(r"(\d+)", r" \1 ", spoken)).strip()


def _money(text: Tracked, locale: Locale) -> Tracked:
    return text.sub(_money_pattern(locale), lambda m: _price(m, locale))


@functools.cache
def _money_pattern_of(signs: tuple[str, ...], scales: tuple[str, ...]) -> re.Pattern[str]:
    sign = "|".join(re.escape(s) for s in sorted(signs, key=len, reverse=True))
    scale = "|".join(re.escape(s) for s in sorted(scales, key=len, reverse=True))
    number = numbers.NUMBER
    return re.compile(
        rf"(?<![\w])(?P<s1>{sign})\s?(?P<n1>{number})(?:\s?(?P<k1>{scale})\b)?(?!\d)"
        rf"|(?<![\w.,])(?P<n2>{number})(?:\s?(?P<k2>{scale}))?\s?(?P<s2>{sign})(?!\w)"
    )


def _money_pattern(locale: Locale) -> re.Pattern[str]:
    scales = (*locale.scales, *_SCALES) if locale.language in _SCALE_NAMES else ("\0",)
    return _money_pattern_of((*locale.currencies, *_ISO_MONEY), scales)


def _price(m: re.Match[str], locale: Locale) -> str | None:
    number, scale = m["n1"] or m["n2"], m["k1"] or m["k2"]
    sign = m["s1"] or m["s2"]
    names = locale.currencies.get(_ISO_MONEY.get(sign, sign)) or locale.currencies.get(sign)
    if names is None:
        return None
    one, many, cent, cents = names[:4]
    if scale:
        return f"{number} {_scale(scale, locale)} {_of(scale, many, locale)}{many}"
    whole, fraction = numbers.split(number, locale)
    grouped = _grouped(whole, locale)
    if not cent or len(fraction) not in (1, 2) or not int(fraction):
        amount = number if fraction and int(fraction) else grouped
        return f"{amount} {numbers.counted(names, amount)}"
    coins = int(fraction.ljust(2, "0"))
    small = f"{coins} {cent if coins == 1 else cents}"
    if whole == "0":
        return small
    return f"{grouped} {one if whole == '1' else many} {locale.money_and} {small}"


def _grouped(digits: str, locale: Locale) -> str:
    """With the signs of thousands, so that a price is never taken for a year."""
    return f"{int(digits):,}".replace(",", "," if locale.decimal == "." else ".")


def _scale(scale: str, locale: Locale) -> str:
    if scale not in _SCALES or scale in locale.scales:
        return scale
    return _SCALE_NAMES[locale.language][(1_000, 1_000_000, 1_000_000_000).index(_SCALES[scale])]


def _of(scale: str, noun: str, locale: Locale) -> str:
    if _SCALES.get(scale) == 1_000 or scale in ("mil", "mille", "mila"):
        return ""
    return "de " if locale.money_of == "d'" and noun[0] not in "aeiou" else locale.money_of


def _dates(text: Tracked, locale: Locale) -> Tracked:
    text = text.sub(_DATE_ISO, lambda m: _date(int(m[1]), int(m[2]), int(m[3]), locale))
    return text.sub(_DATE, lambda m: _written_date(m, locale))


def _written_date(m: re.Match[str], locale: Locale) -> str | None:
    first, second, year = int(m[1]), int(m[3]), int(m[4])
    if len(m[4]) == 2:
        year += 1900 if year > 50 else 2000
    month, day = (first, second) if locale.order == "mdy" else (second, first)
    if month > 12 >= day:
        month, day = day, month
    return _date(year, month, day, locale)


def _date(year: int, month: int, day: int, locale: Locale) -> str | None:
    try:
        datetime.date(year, month, day)
    except ValueError:
        return None
    if locale.language == "en":
        number = numbers.spoken_ordinal(day, locale)
    else:
        number = locale.first if day == 1 and locale.first else str(day)
    return locale.date.format(d=number, month=locale.months[month - 1], y=year)


def _times(text: Tracked, locale: Locale) -> Tracked:
    if locale.language == "en":
        return text

    def read(m: re.Match[str]) -> str:
        hour, minute = int(m[1]), int(m[2])
        pattern = locale.hour_minute if minute else locale.hour
        return _one_hour(pattern.format(h=hour, m=minute), locale)

    text = text.sub(_TIME, read)
    return text.sub(_HOUR, lambda m: _one_hour(locale.hour.format(h=int(m[1])), locale))


def _one_hour(words: str, locale: Locale) -> str:
    return re.sub(r"^1 (heure|hora)s", r"1 \1", words)


def _phones(text: Tracked, locale: Locale) -> Tracked:
    def read(m: re.Match[str]) -> str:
        plus = f"{locale.symbols['+']} " if m.group().startswith("+") else ""
        return plus + ", ".join(" ".join(group) for group in re.findall(r"\d+", m.group()))

    return text.sub(_PHONE, read)


@functools.cache
def _unit_pattern(units: tuple[str, ...]) -> re.Pattern[str]:
    unit = "|".join(re.escape(u) for u in sorted(units, key=len, reverse=True))
    return re.compile(rf"(?<![\w.,])({numbers.NUMBER})\s?({unit})(?![\w²³/])")


def _units(text: Tracked, locale: Locale) -> Tracked:
    def read(m: re.Match[str]) -> str:
        return f"{m[1]} {numbers.counted(locale.units[m[2]], m[1])}"

    return text.sub(_unit_pattern(tuple(locale.units)), read)


def _romans(text: Tracked, locale: Locale) -> Tracked:
    if locale.language not in ("es", "fr", "it", "pt"):
        return text
    text = text.sub(_CENTURY, lambda m: f"{m[1]} {_roman(m[2])}" if m[2] else None)
    text = text.sub(_CENTURY_FR, lambda m: numbers.spoken_ordinal(_roman(m[1]), locale) if m[1] else None)
    return text.sub(_RULER, lambda m: _reign(_roman(m[1]), locale) if m[1] else None)


def _reign(number: int, locale: Locale) -> str:
    ordinal = number <= 10 and locale.language != "fr" or locale.language == "it"
    return numbers.spoken_ordinal(number, locale) if ordinal else str(number)


def _roman(letters: str) -> int:
    values = [_ROMAN_VALUES[c] for c in letters]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < following else value for value, following in pairs)


def _ranges(text: Tracked, locale: Locale) -> Tracked:
    text = text.sub(_RANGE, lambda m: f"{m[1]} {locale.to} ")
    return text.sub(_MINUS, lambda m: f"{locale.minus} ")


def _abbreviations(text: Tracked, locale: Locale) -> Tracked:
    pattern = _abbreviation_pattern(tuple(locale.abbreviations))
    if pattern is None:
        return text

    def read(m: re.Match[str]) -> str:
        short = m.group()
        ends = short.endswith(".") and not m.string[m.end() :].strip("\"'”’»)] ")
        words = locale.abbreviations.get(short) or locale.abbreviations[short[0].lower() + short[1:]].capitalize()
        return words + ("." if ends else "")

    return text.sub(pattern, read)


@functools.cache
def _abbreviation_pattern(short: tuple[str, ...]) -> re.Pattern[str] | None:
    if not short:
        return None
    capital = [s[0].upper() + s[1:] for s in short if s[0].islower() and len(s) > 3]
    every = sorted({*short, *capital}, key=len, reverse=True)
    return re.compile(rf"(?<![\w.])(?:{'|'.join(re.escape(s) for s in every)})(?!\w)")


def _english(text: Tracked, locale: Locale) -> Tracked:
    """hibari's normaliser: titles, addresses, times, units, Roman numerals, fractions."""
    return text.rewritten(normalize_english(text.text)) if locale.language == "en" else text


def _symbols(text: Tracked, locale: Locale) -> Tracked:
    text = text.sub(_ARROW, lambda m: " ")
    text = text.sub(_HASHTAG, lambda m: " ")
    return text.sub(_symbol_pattern(tuple(locale.symbols)), lambda m: f" {locale.symbols[m[1]]} ")


@functools.cache
def _symbol_pattern(symbols: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\s?({'|'.join(re.escape(s) for s in sorted(symbols, key=len, reverse=True))})\s?")


def _ordinals(text: Tracked, locale: Locale) -> Tracked:
    if locale.language == "en":
        return text.sub(_ENGLISH_ORDINAL, lambda m: numbers.spoken_ordinal(int(m[1].replace(",", "")), locale))
    if not locale.ordinal_marks or not locale.number_language:
        return text
    feminine = set(locale.feminine_marks)
    return text.sub(
        _ordinal_pattern(locale.ordinal_marks),
        lambda m: numbers.spoken_ordinal(int(m[1]), locale, feminine=m[2] in feminine),
    )


_ENGLISH_ORDINAL = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3}){1,4}|\d{1,12})(?:st|nd|rd|th)\b", re.IGNORECASE)


@functools.cache
def _ordinal_pattern(marks: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.,])(\d{{1,4}})({marks})(?!\w)")


_PLAIN_NUMBER = re.compile(rf"(?<![\w])(?<!\d[.,])({numbers.NUMBER})(?![\w])(?=(?:\s+([^\W\d_]+))?)")


def _numbers(text: Tracked, locale: Locale) -> Tracked:
    return text.sub(_PLAIN_NUMBER, lambda m: numbers.spoken_number(m[1], locale, m[2] or ""))


def _greek(text: Tracked, locale: Locale) -> Tracked:
    return text if text.text.isascii() or locale.language == "el" else text.sub(_GREEK_WORD, lambda m: " ")


def _characters(text: Tracked, locale: Locale) -> Tracked:
    edits = (
        (i, i + 1, new)
        for i, character in enumerate(text.text)
        if (new := spoken_form(character, locale.language)) != character
    )
    return text.edited(edits)


def _slashes(text: Tracked, locale: Locale) -> Tracked:
    return text.sub(_SLASH, lambda m: " ")


def _tight_punctuation(text: Tracked, locale: Locale) -> Tracked:
    return text.sub(_LOOSE_PUNCTUATION, lambda m: "")


def _blanks(text: Tracked, locale: Locale) -> Tracked:
    return text.sub(_BLANKS, lambda m: " ")


_RULES: tuple[Rule, ...] = (
    *(_composed, _emoji, _addresses, _money, _dates, _times, _phones, _units, _romans),
    *(_abbreviations, _ordinals, _symbols, _ranges, _greek, _characters, _blanks, _english, _numbers),
    *(_slashes, _characters, _blanks, _tight_punctuation),
)


def _unspaced(text: Tracked, locale: Locale) -> Tracked:
    return japanese.read(text) if locale.language == "ja" else chinese.read(text)


def _words_apart(text: Tracked, locale: Locale) -> Tracked:
    return words_apart(text, locale.language)


_UNSPACED_RULES: tuple[Rule, ...] = (
    *(_composed, _emoji, _addresses, _unspaced, _abbreviations, _symbols, _characters, _slashes, _characters, _blanks),
    *(_tight_punctuation, _words_apart),
)
"""Where words have no blanks between them, what is a number cannot be told by its edges: such languages bring their own
rules, and blanks come in at the end."""
