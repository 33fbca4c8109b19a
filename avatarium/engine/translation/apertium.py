"""Rules between languages that are alike: Apertium (GPL), a program of its own that the system's packages bring.

Which of its pairs are installed is asked of the program; which Debian package brings one is known here.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Sequence

from avatarium.engine.translation.records import Quality
from avatarium.engine.translation.slips import mended
from avatarium.errors import TextError

NAME = "apertium"
PROGRAM = "apertium"
LIST_TIMEOUT_S = 20.0
TIMEOUT_S = 120.0
"""For all sentences of one call; a sentence takes some hundredths of a second after a start of 0.2 s."""

_GOOD, _USABLE, _DRAFT = Quality.GOOD, Quality.USABLE, Quality.DRAFT
PACKAGES: dict[tuple[str, str], tuple[str, Quality]] = {
    **dict.fromkeys((("es", "pt"), ("pt", "es")), ("apertium-es-pt", _USABLE)),
    **dict.fromkeys((("es", "fr"), ("fr", "es")), ("apertium-fr-es", _DRAFT)),
    **dict.fromkeys((("es", "it"), ("it", "es")), ("apertium-spa-ita", _DRAFT)),
    **dict.fromkeys((("es", "ca"), ("ca", "es")), ("apertium-spa-cat", _GOOD)),
    **dict.fromkeys((("es", "gl"), ("gl", "es")), ("apertium-es-gl", _GOOD)),
    **dict.fromkeys((("pt", "gl"), ("gl", "pt")), ("apertium-pt-gl", _USABLE)),
    **dict.fromkeys((("pt", "ca"), ("ca", "pt")), ("apertium-por-cat", _USABLE)),
    **dict.fromkeys((("fr", "ca"), ("ca", "fr")), ("apertium-fra-cat", _DRAFT)),
    **dict.fromkeys((("ca", "it"), ("it", "ca")), ("apertium-cat-ita", _USABLE)),
    **dict.fromkeys((("oc", "es"), ("es", "oc")), ("apertium-oc-es", _DRAFT)),
    **dict.fromkeys((("es", "ro"), ("ro", "es")), ("apertium-es-ro", _DRAFT)),
    **dict.fromkeys((("ur", "hi"), ("hi", "ur")), ("apertium-urd-hin", _DRAFT)),
    **dict.fromkeys((("ru", "uk"), ("uk", "ru")), ("apertium-rus-ukr", _USABLE)),
    **dict.fromkeys((("sv", "da"), ("da", "sv")), ("apertium-swe-dan", _USABLE)),
    **dict.fromkeys((("sv", "nb"), ("nb", "sv")), ("apertium-swe-nor", _USABLE)),
    **dict.fromkeys((("da", "nb"), ("nb", "da")), ("apertium-dan-nor", _USABLE)),
    **dict.fromkeys((("nb", "nn"), ("nn", "nb")), ("apertium-nno-nob", _GOOD)),
    **dict.fromkeys((("af", "nl"), ("nl", "af")), ("apertium-afr-nld", _USABLE)),
    **dict.fromkeys((("id", "ms"), ("ms", "id")), ("apertium-ind-zlm", _USABLE)),
    ("eu", "es"): ("apertium-eu-es", _DRAFT),
    ("eu", "en"): ("apertium-eu-en", _DRAFT),
    ("is", "en"): ("apertium-isl-eng", _DRAFT),
    ("mk", "en"): ("apertium-mkd-eng", _DRAFT),
}
"""The Debian package of a pair, and what reading its translations showed; pairs out of English are left out, because
by way of Portuguese they come out better."""

_LEADING = {"es", "pt", "fr", "it", "ca", "gl"}
WANTED = {pair: found for pair, found in PACKAGES.items() if "es" in pair and set(pair) <= _LEADING}
"""The pairs that lead on from Portuguese, by way of Spanish, to languages with voices."""

_CODES = {
    **{"spa": "es", "por": "pt", "fra": "fr", "ita": "it", "cat": "ca", "glg": "gl", "oci": "oc", "ron": "ro"},
    **{"urd": "ur", "hin": "hi", "rus": "ru", "ukr": "uk", "swe": "sv", "dan": "da", "nor": "nb", "nob": "nb"},
    **{"nno": "nn", "afr": "af", "nld": "nl", "ind": "id", "zlm": "ms", "eus": "eu", "eng": "en", "isl": "is"},
    **{"mkd": "mk", "no": "nb"},
}
_MODE = re.compile(r"([a-z]{2,3})-([a-z]{2,3}(?:_BR)?)")


@functools.cache
def modes() -> dict[tuple[str, str], str]:
    """The pairs that are installed, with the names by which the program knows them; looked up once in a process."""
    program = shutil.which(PROGRAM)
    if program is None:
        return {}
    try:
        answer = subprocess.run(
            [program, "-l"],
            capture_output=True,
            text=True,
            timeout=LIST_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found: dict[tuple[str, str], str] = {}
    for name in answer.stdout.split():
        match = _MODE.fullmatch(name)
        if match is None:
            continue
        pair = _code(match.group(1)), _code(match.group(2).removesuffix("_BR"))
        if pair in PACKAGES and (pair not in found or name.endswith("_BR")):
            found[pair] = name
    return found


def installed_packages() -> frozenset[str]:
    """The Debian packages whose pairs the program knows."""
    return frozenset(PACKAGES[pair][0] for pair in modes())


def _code(name: str) -> str:
    return _CODES.get(name, name)


def translate(texts: Sequence[str], source: str, target: str) -> list[str]:
    """Translate sentences by one run of the program.

    Raises:
        TextError: ``translation_failed``: it failed, or did not answer in time.
    """
    lines = [" ".join(text.split()) for text in texts]
    if not any(lines):
        return lines
    command = [shutil.which(PROGRAM) or PROGRAM, "-u", "-f", "line", modes()[source, target]]
    try:
        answer = subprocess.run(
            command, input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as problem:
        raise _failed(source, target) from problem
    made = answer.stdout.rstrip("\n").split("\n")
    made += [""] * (len(lines) - len(made))
    if answer.returncode or len(made) != len(lines):
        raise _failed(source, target)
    return [mended(line, after.strip(), source, target) for line, after in zip(lines, made, strict=True)]


def _failed(source: str, target: str) -> TextError:
    return TextError(
        f"The translation from {source} to {target} by Apertium failed. Check `avatarium doctor`, then try again.",
        code="translation_failed",
    )
