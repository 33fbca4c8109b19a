"""A recording of any length as text: sentences and words with their times, the language, and who says what.

    transcript = transcribe(Path("talk.mp3"))

Voice activity finds where somebody speaks; speech is cut in its pauses into pieces of at most 28 s, which Whisper base
writes down one after the other (:mod:`dictation`); who speaks is told by :mod:`turns`. Memory does not grow with the
length, but for 2 bytes a sample on a scratch file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from avatarium.engine.speech.activity import Stretch, probabilities, stretches
from avatarium.engine.speech.dictation import LONGEST_S, Dictation, Heard, Task, spoken_language
from avatarium.engine.speech.records import Samples, Word
from avatarium.engine.speech.transcription import RATE, transcriber
from avatarium.engine.speech.turns import Turns, find_turns
from avatarium.engine.video.sound_tape import Tape, taped
from avatarium.errors import OptionError

__all__ = ["LANGUAGES_SPACELESS", "Said", "Task", "Transcript", "languages", "transcribe"]

MAX_S = 4 * 3600.0
MOST_SPEAKERS = 20

LANGUAGES_SPACELESS = frozenset({"zh", "ja", "th", "lo", "my", "km", "yue", "bo"})
"""Languages that are written without blanks between words; a :class:`Word` of these is a sign."""

_LEVEL, _LOUDEST_GAIN = 0.5, 100.0
"""Peak that voice activity expects."""
_AROUND_S = 0.2
"""Sound that is heard before and after what is said."""
_APART_S = 3.0
"""A pause that always ends a piece."""
_BREATH_S = 0.9
"""A pause that ends a sentence, whatever its marks say."""
_SENTENCE_S = 18.0
"""Length from which a sentence is cut at the longest of its pauses."""
_VOTES = 3
"""Pieces that tell the language."""
_END = re.compile(r"[.!?。！？…؟।][\"'”’)\]」』]*$")
_NO_END = re.compile(r"^(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|Sr|Sra|Jr|No|[A-Z]|\d+)\.$")
_RECOGNISING, _TELLING_APART = 0.7, 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence, or what of it one person says at a stretch."""

    text: str
    start_s: float
    end_s: float
    words: tuple[Word, ...]
    speaker: int
    """0, 1, 2 in the order in which people first speak."""
    confidence: float
    """0 to 1: mean probability of its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What is said in a recording."""

    language: str
    """ISO 639-1 of what is spoken; empty where nobody speaks. The text is English where it was translated."""
    segments: tuple[Said, ...]
    duration_s: float
    speakers: int
    """How many people speak."""
    written: str = ""
    """The language of the text."""

    @property
    def text(self) -> str:
        """Everything that is said."""
        return joined([said.text for said in self.segments], self.written)

    def record(self) -> dict[str, Any]:
        """As JSON has it; a word is a list of text, start and end."""
        return {
            "language": self.language,
            "duration_s": round(self.duration_s, 3),
            "speakers": self.speakers,
            "text": self.text,
            "segments": [
                {name: getattr(said, name) for name in ("text", "start_s", "end_s", "speaker", "confidence")}
                | {"words": [[word.text, word.start_s, word.end_s] for word in said.words]}
                for said in self.segments
            ],
        }


def joined(texts: Sequence[str], language: str) -> str:
    """Texts one after the other, with blanks where the language has them."""
    return ("" if language in LANGUAGES_SPACELESS else " ").join(texts)


def languages() -> tuple[str, ...]:
    """The codes that :func:`transcribe` takes, sorted; known without loading the network."""
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    return tuple(sorted(_LANGUAGE_CODES))


def transcribe(
    audio: Path | Samples,
    rate: int | None = None,
    *,
    language: str = "",
    task: Task = Task.TRANSCRIBE,
    speakers: int | None = None,
    prompt: str = "",
    threads: int = 2,
    progress: Callable[[float], None] | None = None,
    max_s: float = MAX_S,
) -> Transcript:
    """Write down what is said in a sound file, a video or samples.

    Nobody speaking is no error: there are no segments then. About 0.15 s of CPU for a second of sound on one thread,
    twice that where people are told apart.

    Args:
        audio: a file, or ``float32`` samples, mono or ``(samples, channels)``.
        rate: samples a second of samples; 16,000 where it is not said.
        language: ISO 639-1 or BCP 47 of what is spoken; heard where it is empty.
        task: ``TRANSLATE`` writes English, whatever is spoken.
        speakers: how many people speak; 1 tells nobody apart, None finds out.
        prompt: words to expect (names, terms), or what was said before.
        threads: of the CPU.
        progress: is told the share that is done, 0 to 1.
        max_s: longest recording that is taken.

    Raises:
        AudioError: the file cannot be read (see :func:`read_sound`), is silent (``silent_audio``) or too long
            (``sound_too_long``).
        OptionError: ``unknown_language``, or ``bad_speakers``.
    """
    code = _code(language)
    if speakers is not None and not 1 <= speakers <= MOST_SPEAKERS:
        raise OptionError(f"Give 1 to {MOST_SPEAKERS} speakers, or none to have them counted.", code="bad_speakers")
    tell = progress or (lambda share: None)
    with taped(audio, RATE, given_rate=rate, max_s=max_s) as tape:
        spoken = _activity(tape)
        tell(1.0 - _RECOGNISING - _TELLING_APART)
        if not spoken:
            return Transcript(language=code, segments=(), duration_s=tape.duration_s, speakers=0)
        network, pieces = transcriber(threads), tuple(_pieces(spoken))
        code = code or spoken_language(network, _telling(tape, pieces))
        dictation = Dictation(network, language=code, task=task, prompt=prompt)
        heard = _dictated(
            tape, pieces, dictation, spoken, _part(tell, 1.0 - _RECOGNISING - _TELLING_APART, _RECOGNISING)
        )
        turns = None
        if speakers != 1 and heard:
            turns = find_turns(
                tape, people=speakers, threads=threads, progress=_part(tell, 1.0 - _TELLING_APART, _TELLING_APART)
            )
        tell(1.0)
        return _transcript(heard, turns, "en" if task is Task.TRANSLATE else code, code, tape.duration_s)


def _code(language: str) -> str:
    code = language.replace("_", "-").split("-")[0].lower()
    if code and code not in languages():
        raise OptionError(
            f"Speech in {language!r} cannot be recognised; give a language code such as en, es or zh, or none to have "
            "it heard.",
            code="unknown_language",
        )
    return code


def _part(tell: Callable[[float], None], first: float, share: float) -> Callable[[float], None]:
    return lambda done: tell(first + share * done)


def _activity(tape: Tape) -> tuple[Stretch, ...]:
    gain = np.float32(min(_LEVEL / max(tape.peak, 1e-9), _LOUDEST_GAIN))
    return stretches(probabilities(block * gain for block in tape.blocks()))


def _pieces(spoken: Sequence[Stretch]) -> Iterator[Stretch]:
    """Stretches taken together up to 28 s, parted at long pauses, else at the longest pause of the second half."""
    begun: list[Stretch] = []
    for stretch in _bounded(spoken):
        if begun and stretch.start_s - begun[-1].end_s > _APART_S:
            yield _around(begun)
            begun = []
        while begun and stretch.end_s - begun[0].start_s > LONGEST_S - 2 * _AROUND_S:
            cut = _longest_pause([*begun, stretch])
            yield _around(begun[:cut])
            begun = begun[cut:]
        begun.append(stretch)
    if begun:
        yield _around(begun)


def _bounded(spoken: Sequence[Stretch]) -> Iterator[Stretch]:
    """Stretches none of which is too long: who speaks for half a minute without a pause is cut."""
    for stretch in spoken:
        length_s = stretch.end_s - stretch.start_s
        count = int(np.ceil(length_s / (LONGEST_S - 2 * _AROUND_S)))
        edges = np.linspace(stretch.start_s, stretch.end_s, count + 1)
        yield from (Stretch(start_s=float(a), end_s=float(b)) for a, b in pairwise(edges))


def _longest_pause(stretches: Sequence[Stretch]) -> int:
    """How many of the stretches (the last not among them) belong before the best cut."""
    start_s = stretches[0].start_s
    pauses = [(b.start_s - a.end_s) * (0.3 + (a.end_s - start_s) / LONGEST_S) for a, b in pairwise(stretches)]
    return int(np.argmax(pauses)) + 1


def _around(stretches: Sequence[Stretch]) -> Stretch:
    return Stretch(start_s=max(0.0, stretches[0].start_s - _AROUND_S), end_s=stretches[-1].end_s + _AROUND_S)


def _telling(tape: Tape, pieces: Sequence[Stretch]) -> Iterator[Samples]:
    """Pieces that tell the language: the longest of the first ones."""
    first = sorted(pieces[: 4 * _VOTES], key=lambda piece: piece.start_s - piece.end_s)[:_VOTES]
    return (tape.read(piece.start_s, piece.end_s) for piece in first)


def _dictated(
    tape: Tape,
    pieces: Sequence[Stretch],
    dictation: Dictation,
    spoken: Sequence[Stretch],
    tell: Callable[[float], None],
) -> list[Heard]:
    heard: list[Heard] = []
    for piece in pieces:
        here = [s for s in spoken if s.end_s > piece.start_s and s.start_s < piece.end_s]
        heard += dictation.words(tape.read(piece.start_s, piece.end_s), piece.start_s, here)
        tell(piece.end_s / pieces[-1].end_s)
    return heard


def _transcript(
    heard: Sequence[Heard], turns: Turns | None, written: str, spoken: str, duration_s: float
) -> Transcript:
    told = _smoothed([turns.speaker(word.start_s, word.end_s) if turns else 0 for word in heard], heard)
    order = {speaker: place for place, speaker in enumerate(dict.fromkeys(told))}
    said = tuple(_said(heard[a:b], order[told[a]], written) for a, b in _sentences(heard, told))
    return Transcript(
        language=spoken if heard else "",
        segments=said,
        duration_s=duration_s,
        speakers=len(order),
        written=written,
    )


def _smoothed(speakers: Sequence[int | None], heard: Sequence[Heard]) -> list[int]:
    """Who says each word: words that nobody was heard at go with their neighbour, and so does a lone word between two
    of one other person where nobody pauses."""
    told: list[int] = []
    for speaker in speakers:
        told.append(speaker if speaker is not None else told[-1] if told else _first(speakers))
    for i in range(1, len(told) - 1):
        quick = heard[i].start_s - heard[i - 1].end_s < 0.3 and heard[i + 1].start_s - heard[i].end_s < 0.3
        if quick and told[i - 1] == told[i + 1] != told[i]:
            told[i] = told[i - 1]
    return told


def _first(speakers: Sequence[int | None]) -> int:
    return next((speaker for speaker in speakers if speaker is not None), 0)


def _sentences(heard: Sequence[Heard], told: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last (exclusive) word of every sentence."""
    start = 0
    for i, word in enumerate(heard):
        last = i + 1 == len(heard)
        ends = last or told[i + 1] != told[i] or heard[i + 1].start_s - word.end_s > _BREATH_S or _closes(word.text)
        if ends:
            yield from _shortened(heard, start, i + 1)
            start = i + 1


def _closes(word: str) -> bool:
    return bool(_END.search(word)) and not _NO_END.match(word.strip())


def _shortened(heard: Sequence[Heard], start: int, end: int) -> Iterator[tuple[int, int]]:
    """A sentence in parts that can be read and spoken: cut at the longest pause of its middle, commas before others."""
    if end - start < 4 or heard[end - 1].end_s - heard[start].start_s <= _SENTENCE_S:
        yield start, end
        return
    quarter = (end - start) // 4
    cuts = range(start + max(1, quarter), end - max(1, quarter))
    best = max(
        cuts, key=lambda i: heard[i].start_s - heard[i - 1].end_s + 0.2 * heard[i - 1].text.endswith((",", "、", "，"))
    )
    yield from _shortened(heard, start, best)
    yield from _shortened(heard, best, end)


def _said(words: Sequence[Heard], speaker: int, language: str) -> Said:
    text = "".join(word.text for word in words).strip()
    return Said(
        text=text,
        start_s=round(words[0].start_s, 3),
        end_s=round(max(words[-1].end_s, words[0].start_s + 0.02), 3),
        words=tuple(
            Word(text=word.text.strip(), start_s=round(word.start_s, 3), end_s=round(word.end_s, 3)) for word in words
        ),
        speaker=speaker,
        confidence=round(float(np.mean([word.probability for word in words])), 3),
    )
