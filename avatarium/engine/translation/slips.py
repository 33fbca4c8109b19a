"""What Apertium's pairs are known to get wrong each time, and what is meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

_SUBJECT_AFTER = (
    r"(?:^|(?<=[,;] )|(?<=\bque )|(?<=\bpero )|(?<=\bporque )|(?<=\bcuando )|(?<=\bdonde )|(?<=\bsi )|(?<=\by ))"
)
_NOT_ALONE = r"(?!(?:y|e|o|u|ni|mism[oa]s?|también|tampoco|sol[oa]s?|que|como)\b)"
_ASKING = {"como": "cómo", "donde": "dónde", "cuando": "cuándo", "quien": "quién", "cual": "cuál", "cuanto": "cuánto"}
_IF = {
    **{"tenga": "tiene", "pueda": "puede", "quiera": "quiere", "haga": "hace", "esté": "está", "vaya": "va"},
    **{"venga": "viene", "sepa": "sabe", "diga": "dice", "necesite": "necesita", "conozca": "conoce"},
}
_PREPOSITION = {
    *("partir", "pesar", "menos", "veces", "quien", "quién", "que", "qué", "mí", "ti", "él", "ella", "usted", "las"),
    *("los", "la", "lo", "un", "una", "cada", "su", "mi", "favor", "bordo", "diario", "salvo", "tiempo", "este"),
}


def _word(words: dict[str, str], found: re.Match[str]) -> str:
    return found.group(1) + words[found.group(2)] + (found.group(3) or "")


def _any(words: dict[str, str]) -> str:
    return "|".join(words)


_SPANISH: tuple[Rule, ...] = (
    # Spanish verbs tell who acts; and "yo me gustaría" is wrong in any case.
    (re.compile(rf"(?i:{_SUBJECT_AFTER}yo )(?!\w+mos\b){_NOT_ALONE}(?=[a-záéíóúñ])"), ""),
    (re.compile(rf"(?i:{_SUBJECT_AFTER}nosotros )(?=(?:(?:no|nos|lo|la|le|se|les) )*\w+mos\b)"), ""),
    # Portuguese has a future subjunctive after "se", Spanish the indicative after "si".
    (
        re.compile(rf"(?i)(\bsi (?:(?:usted|ustedes|él|ella|ellos|ellas|alguien) )?(?:no )?)({_any(_IF)})(n?)\b"),
        partial(_word, _IF),
    ),
    (
        re.compile(rf"(?i)((?:^|, |\b(?:decirme|dígame|dime|saber|sabe|sabes) ))({_any(_ASKING)})(\b)(?=[^?]*\?)"),
        partial(_word, _ASKING),
    ),
    (re.compile(r"\bcómo usted (está|va|se llama|se siente)\b"), r"cómo \1 usted"),
    (re.compile(r"\b([Vv]oy|[Vv]as|[Vv]a|[Vv]amos|[Vv]an) cena\b"), r"\1 a cenar"),
    (re.compile(r"^Bueno?s? d[ií]a\b"), "Buenos días"),
    (re.compile(r"\ben lugar ningun[oa]\b"), "en ningún lugar"),
    (re.compile(r"\bguardia-lluvia\b"), "paraguas"),
    (re.compile(r"\bmóviles(?= (?:hechos|usados|antiguos|de (?:madera|jardín|oficina|cocina|diseño))\b)"), "muebles"),
)

_SLIPS: dict[tuple[str, str], tuple[Rule, ...]] = {
    ("pt", "es"): _SPANISH,
    # "para" is not always of the verb "parir".
    ("es", "it"): ((re.compile(r"\bpartorisca\b"), "per"), (re.compile(r"\bNon\.(?=\s|$)"), "No.")),
}


def mended(source_text: str, text: str, source: str, target: str) -> str:
    """A translated sentence without what its pair is known to get wrong; both without their spaces outside."""
    if (source, target) == ("pt", "es"):
        text = _article(source_text, text)
    for slip, right in _SLIPS.get((source, target), ()):
        text = slip.sub(right, text)
    return text


def _article(source_text: str, text: str) -> str:
    """A sentence's first "A" is the article more often than the preposition for which it was taken."""
    words = text.split(None, 2)
    taken = source_text.startswith("A ") and words[:1] == ["A"] and len(words) > 1
    return f"La {text[2:]}" if taken and words[1].lower() not in _PREPOSITION and words[1].islower() else text
