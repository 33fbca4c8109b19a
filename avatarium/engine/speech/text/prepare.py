"""A script as sentences of tokens: each keeps what the caller wrote beside what is said for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from avatarium.engine.speech.text.characters import SCRIPTS, script_of
from avatarium.engine.speech.text.locales import Locale, locale_of
from avatarium.engine.speech.text.markup import stretches
from avatarium.engine.speech.text.readings import read_out
from avatarium.engine.speech.text.scripts import readers_of, wrong_script
from avatarium.engine.speech.text.segments import written_words
from avatarium.engine.speech.text.sentences import Boundary, Piece, opening, pieces
from avatarium.engine.speech.text.tracked import Span, Tracked
from avatarium.errors import TextError

MAX_CHARACTERS = 100_000
"""Longest script of one call: about two hours of speech."""
MAX_PAUSES_S = 600.0
"""Most silence that one script may ask for."""
LONGEST_OPENING = 60
"""Characters of the first chunk of a live voice."""

_WRITTEN = re.compile(r"\S+")
_UNBROKEN = re.compile(r"(?:\S{1,39}[^\w\s]|\S{40})(?=\S)")
_LONG = re.compile(r"\S{41,}")
"""Beyond any word. Readers of words try each part of what has no blank: the work grows with the cube of its length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Something written, and the words that are said for it."""

    written: str
    """As the caller wrote it; several words where they are read as one, such as ``$5 million``."""
    spoken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What is said in one breath.

    ``tokens`` is empty only in a last sentence that holds nothing but a pause.
    """

    tokens: tuple[Token, ...]
    boundary: Boundary
    pause_before_s: float = 0.0
    """Silence asked for before it, on top of that of the sentence before."""
    pause_after_s: float | None = None
    """Silence asked for after it; None leaves it to the voice."""

    @property
    def spoken(self) -> str:
        """All that is said, in one line."""
        return " ".join(token.spoken for token in self.tokens)


def prepare(text: str, language: str) -> tuple[Sentence, ...]:
    """All sentences of a script as the voices of a language say them.

    Numbers, dates, prices, addresses, emoji and signs become words; letters that no voice of the language reads are
    left out; ``<break time="500ms"/>`` is a pause.

    Args:
        text: at most :data:`MAX_CHARACTERS`.
        language: BCP 47 tag such as ``en-GB``.

    Raises:
        TextError: codes ``empty_text``, ``text_too_long``, ``nothing_to_say``, ``wrong_script``,
            ``no_voice_for_language``, ``bad_break`` and ``pauses_too_long``.
        OptionError: code ``no_voice_for_language``: there are no readings for this language.
    """
    return tuple(sentences(text, language))


def sentences(text: str, language: str, *, opening_early: bool = False) -> Iterator[Sentence]:
    """As :func:`prepare`, one by one; the text is judged when the first is asked for.

    Args:
        opening_early: cut a long first sentence at a clause, so that its beginning can be spoken soon.
    """
    locale = locale_of(language)
    if not text.strip():
        raise TextError("There is no text to speak; give at least one word.", code="empty_text")
    if len(text) > MAX_CHARACTERS:
        raise TextError(
            f"The text has {len(text):,} characters, more than the {MAX_CHARACTERS:,} of one call; split it.",
            code="text_too_long",
        )
    said = False
    for sentence in _with_pauses(text, locale, opening_early):
        if not said and not sentence.tokens:
            break
        said = True
        yield sentence
    if not said:
        raise _nothing(text, locale)


def _with_pauses(text: str, locale: Locale, opening_early: bool) -> Iterator[Sentence]:
    waiting_s = total_s = 0.0
    early = opening_early
    for stretch in stretches(text):
        held: Sentence | None = None
        for piece in pieces(stretch.text, locale):
            for part in opening(piece, LONGEST_OPENING) if early else (piece,):
                sentence = _sentence(part, locale)
                if sentence is None:
                    continue
                early = False
                if held:
                    yield held
                held, waiting_s = replace(sentence, pause_before_s=waiting_s), 0.0
        pause_s = stretch.pause_s
        total_s += pause_s or 0.0
        if total_s > MAX_PAUSES_S:
            raise TextError(
                f"The pauses of the text add up to more than {MAX_PAUSES_S:.0f} seconds; ask for fewer of them.",
                code="pauses_too_long",
            )
        if held:
            yield replace(held, pause_after_s=pause_s)
        else:
            waiting_s += pause_s or 0.0
    if waiting_s:
        yield Sentence(tokens=(), boundary=Boundary.SENTENCE, pause_before_s=waiting_s)


def _sentence(piece: Piece, locale: Locale) -> Sentence | None:
    tokens = _tokens(piece.text, locale)
    return Sentence(tokens=tokens, boundary=piece.boundary) if tokens else None


def _tokens(source: str, locale: Locale) -> tuple[Token, ...]:
    written = written_words(source, locale.language)
    spoken = read_out(Tracked.of(source), locale)
    groups = _groups(written, spoken)
    if not any(any(c.isalnum() for c in token.spoken) for token in _joined(source, written, groups)):
        return ()
    return tuple(_settled(list(_joined(source, written, groups))))


def _groups(written: list[Span], spoken: Tracked) -> list[tuple[int, int, list[str]]]:
    """Runs of written words that are said together: first, last, and the spoken words; in order and disjoint."""
    groups: list[tuple[int, int, list[str]]] = []
    at = 0
    for word in _WRITTEN.finditer(spoken.text):
        spans = spoken.spans[word.start() : word.end()]
        start, end = min(a for a, _ in spans), max(b for _, b in spans)
        while at + 1 < len(written) and written[at][1] <= start:
            at += 1
        last = at
        while last + 1 < len(written) and written[last + 1][0] < end:
            last += 1
        if groups and at <= groups[-1][1]:
            first, before, words = groups[-1]
            groups[-1] = (first, max(before, last), [*words, word.group()])
        else:
            groups.append((at, last, [word.group()]))
        at = groups[-1][1] if groups[-1][1] > at else at
    return groups


def _joined(source: str, written: list[Span], groups: list[tuple[int, int, list[str]]]) -> Iterator[Token]:
    done = 0
    for first, last, words in groups:
        yield from (Token(written=source[slice(*span)], spoken="") for span in written[done:first])
        done = last + 1
        yield Token(written=source[written[first][0] : written[last][1]], spoken=_breakable(" ".join(words)))
    yield from (Token(written=source[slice(*span)], spoken="") for span in written[done:])


def _breakable(spoken: str) -> str:
    return _LONG.sub(lambda run: _UNBROKEN.sub(r"\g<0> ", run.group()), spoken)


def _settled(tokens: list[Token]) -> Iterator[Token]:
    """What is written but not said goes to the word before it, or at the start to the one after it."""
    held: Token | None = None
    for token in tokens:
        silent = not any(c.isalnum() for c in token.spoken)
        if held and (silent or not any(c.isalnum() for c in held.spoken)):
            held = Token(written=f"{held.written} {token.written}", spoken=f"{held.spoken} {token.spoken}".strip())
            continue
        if held:
            yield held
        held = token
    if held:
        yield held


def _nothing(text: str, locale: Locale) -> TextError:
    scripts = {script for c in text if (script := script_of(c))} - {"COMBINING"}
    if not scripts or scripts & SCRIPTS[locale.language]:
        return TextError(
            "The text holds no word, number or sign that can be spoken; write what is to be said.",
            code="nothing_to_say",
        )
    if not readers_of(scripts):
        return TextError(
            "No voice speaks the language of this text; translate it into one that a voice speaks (see the list of "
            "voices).",
            code="no_voice_for_language",
        )
    return wrong_script(locale.language, scripts)
