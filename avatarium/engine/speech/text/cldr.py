"""Readings of the languages that have no table of their own, out of Unicode's CLDR by Babel.

Dates, money and units become words with the endings that a number asks for; plain numbers are left as digits to eSpeak
NG, which speaks these languages and counts in all of them.
"""

from __future__ import annotations

import re
from typing import Any

from babel import Locale as Cldr
from babel.dates import get_date_format, get_month_names
from babel.lists import format_list
from babel.numbers import get_currency_name, get_decimal_symbol
from babel.units import format_unit

from avatarium.engine.speech.tongues import TONGUES

_CURRENCIES = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW"} | {
    **{"₺": "TRY", "₴": "UAH", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "R$": "BRL", "CHF": "CHF"}
}
_UNITS = {
    **{"km": "length-kilometer", "m": "length-meter", "cm": "length-centimeter", "mm": "length-millimeter"},
    **{"kg": "mass-kilogram", "g": "mass-gram", "mg": "mass-milligram", "l": "volume-liter", "ml": "volume-milliliter"},
    **{"km/h": "speed-kilometer-per-hour", "m/s": "speed-meter-per-second", "m²": "area-square-meter"},
    **{"km²": "area-square-kilometer", "°C": "temperature-celsius", "GB": "digital-gigabyte", "MB": "digital-megabyte"},
    **{"kW": "power-kilowatt", "W": "power-watt", "min": "duration-minute", "%": "concentr-percent"},
}
_COUNTS = (1, 5, 2)
"""Of one, of many, and of a few where a language tells (Slavic ones)."""
_EMOJI = frozenset({"ar", "de", "fa", "id", "ko", "ru", "tr"})
_CLOCKS = {"de": "{h} Uhr {m}", "nl": "{h} uur {m}", "sv": "klockan {h} {m}", "da": "klokken {h} {m}"}
_HOURS = {"de": "{h} Uhr", "nl": "{h} uur", "sv": "klockan {h}", "da": "klokken {h}"}
_WORDS = {
    "de": ("Punkt", "ät", "Schrägstrich", "Bindestrich", "Unterstrich", "minus", "bis"),
    "nl": ("punt", "apenstaartje", "schuine streep", "streepje", "laag streepje", "min", "tot"),
    "pl": ("kropka", "małpa", "ukośnik", "myślnik", "podkreślenie", "minus", "do"),
    "ru": ("точка", "собака", "слэш", "дефис", "подчёркивание", "минус", "до"),
    "uk": ("крапка", "равлик", "слеш", "дефіс", "підкреслення", "мінус", "до"),
    "tr": ("nokta", "et", "bölü", "tire", "alt çizgi", "eksi", "ila"),
    "ar": ("نقطة", "آت", "شرطة مائلة", "شرطة", "شرطة سفلية", "ناقص", "إلى"),
    "ko": ("점", "골뱅이", "슬래시", "하이픈", "밑줄", "마이너스", "에서"),
    "sv": ("punkt", "snabel-a", "snedstreck", "bindestreck", "understreck", "minus", "till"),
    "da": ("punktum", "snabel-a", "skråstreg", "bindestreg", "understreg", "minus", "til"),
    "nb": ("punktum", "krøllalfa", "skråstrek", "bindestrek", "understrek", "minus", "til"),
    "fi": ("piste", "ät-merkki", "vinoviiva", "viiva", "alaviiva", "miinus", "viiva"),
    "cs": ("tečka", "zavináč", "lomítko", "pomlčka", "podtržítko", "minus", "až"),
    "sk": ("bodka", "zavináč", "lomka", "pomlčka", "podčiarkovník", "mínus", "až"),
    "hu": ("pont", "kukac", "perjel", "kötőjel", "aláhúzás", "mínusz", "től"),
    "ro": ("punct", "arond", "slash", "liniuță", "linie jos", "minus", "până la"),
    "el": ("τελεία", "παπάκι", "κάθετος", "παύλα", "κάτω παύλα", "μείον", "έως"),
    "vi": ("chấm", "a còng", "gạch chéo", "gạch ngang", "gạch dưới", "âm", "đến"),
    "id": ("titik", "et", "garis miring", "strip", "garis bawah", "minus", "sampai"),
    "ca": ("punt", "arrova", "barra", "guió", "guió baix", "menys", "a"),
}
"""Point, at, slash, dash and underscore of addresses; minus; from 3 *to* 5."""
_PLUS = {
    **{"ru": "плюс", "uk": "плюс", "bg": "плюс", "sr": "плус", "mk": "плус", "kk": "қосу", "el": "συν", "tr": "artı"},
    **{"ar": "زائد", "fa": "به‌علاوه", "ko": "더하기", "vi": "cộng", "id": "tambah", "ms": "tambah", "hu": "plusz"},
}
_PLAIN_WORDS = (" ", " ", " ", " ", " ", "−", " ")


def table_of(language: str) -> dict[str, Any]:
    """What :class:`~avatarium.engine.speech.text.locales.Locale` wants to know of a language, but its tag."""
    cldr = Cldr.parse(language)
    dot, at, slash, dash, underscore, minus, to = _WORDS.get(language, _PLAIN_WORDS)
    return {
        "months": list(get_month_names("wide", "format", cldr).values()),
        "date": _date_pattern(cldr),
        "hour": _HOURS.get(language, "{h}"),
        "hour_minute": _CLOCKS.get(language, "{h} {m}"),
        "decimal": "," if get_decimal_symbol(cldr) == "," else ".",
        "order": "dmy",
        "point": "",
        "minus": minus,
        "dot": dot,
        "at": at,
        "slash": slash,
        "dash": dash,
        "underscore": underscore,
        "to": to,
        "symbols": _symbols(language, cldr, at),
        "abbreviations": {},
        "titles": ["Dr", "Prof", "St", "Nr", "z.B", "tzn", "np", "bv", "dhr", "mevr", "r", "г", "ул", "Sr"],
        "before_number": ["nr", "no", "s", "str", "bl", "č"],
        "currencies": {sign: _currency(code, cldr) for sign, code in _CURRENCIES.items()},
        "units": {sign: _counted_unit(name, cldr) for sign, name in _UNITS.items()},
        "money_and": "",
        "money_of": "",
        "scales": [],
        "emoji": language if language in _EMOJI else "",
    }


def _symbols(language: str, cldr: Cldr, at: str) -> dict[str, str]:
    _, percent, _ = _counted_unit("concentr-percent", cldr)
    joined = format_list(["1", "2"], style="standard", locale=cldr)
    plus = _PLUS.get(language, "plus" if TONGUES[language].scripts == ("LATIN",) else " ")
    return {"%": percent, "٪": percent, "&": joined.strip("12 ") or " ", "+": plus, "@": at}


def _date_pattern(cldr: Cldr) -> str:
    """``{d} {month} {y}`` in the order and with the words of the language."""
    pattern = str(get_date_format("long", cldr).pattern)
    pattern = re.sub(r"'([^']*)'", r"\1", pattern)
    pattern = re.sub(r"M{3,4}|L{3,4}", "{month}", pattern, count=1)
    pattern = re.sub(r"(?<![a-z{])y+(?![a-z}])", "{y}", pattern, count=1)
    return re.sub(r"(?<![a-z{])d{1,2}(?![a-z}])", "{d}", pattern, count=1)


def _currency(code: str, cldr: Cldr) -> list[str]:
    """One, many, coins of neither, a few: CLDR does not know the names of cents."""
    one, many, few = (get_currency_name(code, count=count, locale=cldr) for count in _COUNTS)
    return [one, many, "", "", few]


def _counted_unit(name: str, cldr: Cldr) -> list[str]:
    one, many, few = (format_unit(count, name, "long", locale=cldr) for count in _COUNTS)
    return [re.sub(r"[\d\u0660-\u0669\u06f0-\u06f9\u09e6-\u09ef]+", "", text).strip() for text in (one, many, few)]
