"""Translation by a language model behind an OpenAI-compatible endpoint, for whoever has one."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from avatarium.engine.endpoints import post_json
from avatarium.engine.translation.routes import language_of
from avatarium.engine.translation.sentences import hide, numbers, show
from avatarium.errors import OptionError, TextError

TIMEOUT_S = 90.0
BATCH = 20
TRIES = 2
_MOST_BYTES = 4_000_000
_MARKS = re.compile(r"X\d+X")
_ORDER = (
    "You translate the lines of a film for dubbing, from {source} into {target}. You get a JSON array of strings. "
    "Answer with a JSON array of as many strings in the same order and nothing else. Speak as people do, be no longer "
    "than the original, keep numbers as digits, keep names, and keep words like X0X exactly as they are."
)


class _RefusedError(OSError):
    """The service answered, but not with a translation; tells its status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalTranslator:
    """A chat endpoint as a translator. Every answer is checked; what fails twice is an error, never a guess."""

    url: str
    """Of the API's root or of ``/chat/completions`` itself."""
    model: str
    key: str = field(default="", repr=False)
    timeout_s: float = TIMEOUT_S
    name: str = "external"

    def __post_init__(self) -> None:
        if not re.match(r"https?://[^\s/]+", self.url) or not self.model:
            raise OptionError(
                "A translation service needs an http(s) address and the name of a model.", code="translation_setting"
            )

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """As :class:`Translator` says.

        Raises:
            TextError: ``translation_failed``: the service did not answer, or not with as many lines.
        """
        if language_of(source) == language_of(target):
            return list(texts)
        done: list[str] = []
        for at in range(0, len(texts), BATCH):
            done += self._batch(list(texts[at : at + BATCH]), source, target)
        return done

    def _batch(self, texts: list[str], source: str, target: str) -> list[str]:
        hidden = [hide(text) for text in texts]
        said = [i for i, text in enumerate(texts) if text.strip()]
        if not said:
            return list(texts)
        made = self._checked([hidden[i][0] for i in said], source, target)
        done = list(texts)
        for i, text in zip(said, made, strict=True):
            done[i] = show(text, hidden[i][1])
        return done

    def _checked(self, lines: list[str], source: str, target: str) -> list[str]:
        reason = ""
        for _ in range(TRIES):
            try:
                made = _lines(self._ask(lines, source, target))
            except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as problem:
                reason = _said(problem)
                continue
            reason = _misfit(lines, made)
            if not reason:
                return made
        raise TextError(
            f"The translation service did not translate from {source} to {target}: {reason}. Try again, or check its "
            "settings.",
            code="translation_failed",
        )

    def _ask(self, lines: list[str], source: str, target: str) -> str:
        address = self.url.rstrip("/")
        address = address if address.endswith("/chat/completions") else f"{address}/chat/completions"
        body = {
            "model": self.model,
            "temperature": 0,
            "messages": [
                {"role": "system", "content": _ORDER.format(source=source, target=target)},
                {"role": "user", "content": json.dumps(lines, ensure_ascii=False)},
            ],
        }
        reply = post_json(address, body, key=self.key, timeout_s=self.timeout_s, most_bytes=_MOST_BYTES)
        if reply.status != HTTPStatus.OK:
            raise _RefusedError(reply.status)
        told: dict[str, Any] = json.loads(reply.body)
        return str(told["choices"][0]["message"]["content"])


def _lines(answer: str) -> list[str]:
    """The array in an answer, whatever is written round it."""
    found = json.loads(answer[answer.index("[") : answer.rindex("]") + 1])
    if not all(isinstance(line, str) for line in found):
        raise ValueError("not only strings")
    return [" ".join(line.split()) for line in found]


def _misfit(lines: list[str], made: list[str]) -> str:
    if len(made) != len(lines):
        return f"{len(made)} lines came for {len(lines)}"
    for ours, theirs in zip(lines, made, strict=True):
        if not theirs:
            return "a line came back empty"
        if not set(_MARKS.findall(ours)) <= set(_MARKS.findall(theirs)):
            return "a placeholder was lost"
        if not set(numbers(_MARKS.sub(" ", ours))) <= set(numbers(_MARKS.sub(" ", theirs))):
            return "a number was lost"
    return ""


def _said(problem: Exception) -> str:
    if isinstance(problem, _RefusedError):
        return f"it answered with status {problem}"
    if isinstance(problem, TimeoutError):
        return "it did not answer in time"
    if isinstance(problem, OSError):
        return "it cannot be reached"
    return "its answer was no list of lines"
