"""The small part of SSML that a script may use: pauses.

``<break time="500ms"/>``, ``<break time="2s"/>`` and ``<break strength="weak|medium|strong|x-strong"/>`` are pauses, at
most ten seconds each. A ``<speak>`` around the text and every other tag is left out and what it holds is spoken.
A ``<`` or ``&`` that begins no tag and no entity is text. https://www.w3.org/TR/speech-synthesis11/
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from avatarium.errors import TextError

LONGEST_PAUSE_S = 10.0
STRENGTHS_S = {"none": 0.0, "x-weak": 0.15, "weak": 0.3, "medium": 0.5, "strong": 0.8, "x-strong": 1.2}

# Every repetition is bounded so that no input makes the match slow.
_ATTRIBUTE = r"""\s{1,20}[\w:.-]{1,60}\s{0,20}=\s{0,20}(?:"[^"<>]{0,300}"|'[^'<>]{0,300}')"""
_TAG = re.compile(rf"<(/?)([A-Za-z][\w:.-]{{0,60}})((?:{_ATTRIBUTE}){{0,20}})\s{{0,20}}/?>|<\?xml[^<>]{{0,300}}\?>")
_PAIR = re.compile(r"""([\w:.-]{1,60})\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_TIME = re.compile(r"\+?(\d{0,6}(?:\.\d{1,6})?)\s*(ms|s)")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_BLOCKS = frozenset({"p", "s", "speak", "br", "div", "li"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Text without markup, and the pause asked for after it."""

    text: str
    pause_s: float | None


def stretches(text: str) -> Iterator[Stretch]:
    """Cut a script at its pauses.

    Raises:
        TextError: code ``bad_break``: a pause that cannot be understood.
    """
    kept: list[str] = []
    done = 0
    for tag in _TAG.finditer(text):
        name = (tag.group(2) or "speak").lower()
        kept.append(_plain(text[done : tag.start()]))
        done = tag.end()
        if name == "break":
            yield Stretch(text="".join(kept), pause_s=_pause_s(tag.group(3)))
            kept.clear()
        elif name in _BLOCKS:
            kept.append("\n\n")
    yield Stretch(text="".join([*kept, _plain(text[done:])]), pause_s=None)


def _plain(text: str) -> str:
    return _ENTITY.sub(lambda m: html.unescape(m.group()), text)


def _pause_s(attributes: str) -> float:
    given = {name.lower(): a or b for name, a, b in _PAIR.findall(attributes)}
    if "time" not in given:
        strength = given.get("strength", "medium").lower()
        if strength not in STRENGTHS_S:
            raise TextError(
                f'A pause has the unknown strength "{strength}"; use one of {", ".join(STRENGTHS_S)}.', code="bad_break"
            )
        return STRENGTHS_S[strength]
    time = _TIME.fullmatch(given["time"].strip().lower())
    if time is None or time.group(1) in ("", "."):
        raise TextError(
            f'The pause "{given["time"]}" cannot be understood; write it as "500ms" or "1.5s".', code="bad_break"
        )
    return min(float(time.group(1)) * (0.001 if time.group(2) == "ms" else 1.0), LONGEST_PAUSE_S)
