"""The same said in fewer words, step by step: for what does not fit into its time."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ASIDE = re.compile(r"\s*[(\[][^()\[\]]*[)\]]|\s+[–—]\s[^–—]{1,80}\s[–—](?=\s)")
_FILLERS = {
    "en": "you know|I mean|sort of|kind of|basically|actually|really|just|very|well|so|okay|right|um|uh",
    "es": "o sea|es decir|la verdad|en realidad|realmente|básicamente|bueno|pues|muy|entonces|verdad|eh",
    "pt": "quer dizer|na verdade|sabe|realmente|basicamente|bem|então|muito|né|ah",
    "fr": "vous savez|tu sais|je veux dire|en fait|vraiment|en réalité|bon|ben|alors|donc|très|euh",
    "it": "cioè|in realtà|davvero|veramente|insomma|allora|dunque|beh|molto|ehm",
    "de": "weißt du|ich meine|eigentlich|wirklich|sozusagen|also|halt|eben|sehr|äh",
}
_CLAUSE = re.compile(r"(?<=[,;:])\s+|(?<=[、，；])")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")
_LINKS = {
    "en": "when|because|while|although|so that|if|but|and|or",
    "es": "cuando|porque|mientras|aunque|para que|ya que|si|pero|y|e|o|u",
    "pt": "quando|porque|enquanto|embora|para que|já que|se|mas|e|ou",
    "fr": "quand|lorsque|parce que|pendant que|bien que|pour que|si|mais|et|ou",
    "it": "quando|perché|mentre|benché|affinché|se|ma|e|o",
    "de": "wenn|weil|während|obwohl|damit|dass|aber|und|oder",
}
"""What begins a clause, or one more of several things, without a comma before it."""
_OPEN = re.compile(
    r"(?i)(?:a|al|con|d[aeo]s?|del|de[mnrs]|d[iu]|die|e[lmnt]?|for|i|il|in|it|l[aeo]s?|m[aá]i?s|muy|no|não|of|par|para|"
    r"per|por|pour|que|qui|to|the|un|una|und|uno|with|y)"
)
"""Words after which nothing ends."""
_LEAST = 0.4
"""Share of a text that must be left."""


def shorter(text: str, language: str) -> Iterator[str]:
    """Shorter and shorter forms of a text, none less than two fifths of it: without asides, without fillers, without
    its last clauses, at last without what was only linked to the rest."""
    whole = text
    for step in (_without_asides, _without_fillers):
        made = step(text, language)
        if len(made) < len(text) and _enough(made, whole):
            text = made
            yield text
    links = _LINKS.get(language.split("-")[0].lower())
    for cut in (_SENTENCE, _CLAUSE, *([re.compile(rf"(?i)\s+(?=(?:{links})\s)")] if links else [])):
        while True:
            parts = cut.split(text)
            if len(parts) < 2:
                break
            made = _closed(" ".join(parts[:-1]), text)
            if not _enough(made, whole) or made == text:
                break
            text = made
            yield text


def _enough(made: str, whole: str) -> bool:
    words = re.findall(r"\w+", made)
    return len(made) >= _LEAST * len(whole) and bool(words) and not _OPEN.fullmatch(words[-1])


def _without_asides(text: str, language: str) -> str:
    return _tidy(_ASIDE.sub("", text))


def _without_fillers(text: str, language: str) -> str:
    words = _FILLERS.get(language.split("-")[0].lower())
    if words is None:
        return text
    found = re.sub(rf"(?i)(?:(?<=^)|(?<=[.!?,;]\s)|(?<=\s))(?:{words})\b,?(?=\s|[.!?,;]|$)", "", text)
    return _tidy(found)


def _tidy(text: str) -> str:
    text = re.sub(r"\s+([,.;!?…])", r"\1", " ".join(text.split()))
    text = re.sub(r"^[,;.\s]+|,(?=[,.!?])", "", text)
    return text[:1].upper() + text[1:]


def _closed(text: str, whole: str) -> str:
    """With the mark at which the whole ended."""
    text = text.rstrip(" ,;:、，；")
    end = whole.rstrip("\"'”’»)")[-1:]
    return text if text[-1:] in ".!?…。！？" or end not in ".!?…。！？" else text + end
