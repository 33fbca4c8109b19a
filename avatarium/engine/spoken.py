"""A text spoken into a sound file, with what is said in it and when: a video made from it need not listen to itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Self, TypeVar

from avatarium.engine.script import Progress, spoken_script
from avatarium.engine.speech import Phoneme, Speech, Voice, Word
from avatarium.engine.video.sound import read_sound
from avatarium.engine.video.sound_writer import SoundWriter, sound_kind
from avatarium.errors import AudioError

VERSION = 1
"""Of the record that :meth:`SpokenFile.to_json` writes."""
MISFIT_S = 0.05
"""A file that is longer or shorter than its record by more is another one."""
_DIGITS = 4

_Mark = TypeVar("_Mark", Phoneme, Word)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenFile:
    """A sound file that synthesis made, and its phonemes and words on its own time line, to 0.1 ms."""

    path: Path
    rate: int
    """Samples a second."""
    samples: int
    """How many the file holds, exactly: codec delay and padding are not among them."""
    language: str
    """BCP 47 tag such as ``en-US``."""
    phonemes: tuple[Phoneme, ...]
    words: tuple[Word, ...]

    @property
    def duration_s(self) -> float:
        """Length of the sound."""
        return self.samples / self.rate

    def to_json(self) -> str:
        """The record without the path, to be kept beside the file: about 70 bytes for a word."""
        return json.dumps(
            {
                "version": VERSION,
                "rate": self.rate,
                "samples": self.samples,
                "language": self.language,
                "phonemes": [[p.ipa, p.start_s, p.end_s, p.stress] for p in self.phonemes],
                "words": [[w.text, w.start_s, w.end_s] for w in self.words],
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str | bytes, path: str | Path) -> Self:
        """The record of the file at ``path``, wherever it lies now.

        Raises:
            AudioError: ``marks_unreadable``: it is no such record.
        """
        try:
            return cls._of(json.loads(text), Path(path))
        except (ValueError, TypeError, KeyError) as problem:
            raise AudioError(
                f"The speech marks of {Path(path).name} are damaged. Make the speech again, or use the file without "
                "them.",
                code="marks_unreadable",
            ) from problem

    @classmethod
    def _of(cls, record: dict[str, Any], path: Path) -> Self:
        if record["version"] != VERSION or min(record["rate"], record["samples"]) <= 0:
            raise ValueError("another version, or an empty file")
        return cls(
            path=path,
            rate=int(record["rate"]),
            samples=int(record["samples"]),
            language=str(record["language"]),
            phonemes=tuple(
                Phoneme(ipa=str(ipa), start_s=float(start), end_s=float(end), stress=int(stress))
                for ipa, start, end, stress in record["phonemes"]
            ),
            words=tuple(
                Word(text=str(word), start_s=float(start), end_s=float(end)) for word, start, end in record["words"]
            ),
        )

    def speech(self, rate: int) -> Speech:
        """The file's sound at a rate, with its marks.

        Raises:
            AudioError: it cannot be read (see :func:`read_sound`), or ``marks_misfit``: it is not the file that the
                marks were made with.
        """
        sound = read_sound(self.path, rate)
        if abs(sound.duration_s - self.duration_s) > MISFIT_S:
            raise AudioError(
                f"{self.path.name} takes {sound.duration_s:.2f} s and its speech marks {self.duration_s:.2f} s: they "
                "belong to another file. Use the file without them.",
                code="marks_misfit",
            )
        return Speech(audio=sound.samples, rate=rate, phonemes=self.phonemes, words=self.words, language=self.language)


def speak_to_file(
    text: str,
    voice: Voice | str,
    out: str | Path,
    *,
    rate: float = 1.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> SpokenFile:
    """Speak a text into an ``.mp3`` or ``.wav`` file of 24 kHz, sentence by sentence as they are made.

    Memory stays bounded however long the text is. The file is complete when the call returns, not there when it raises.

    Args:
        rate: speed of the voice, 0.5 to 2.
        progress: told, after each sentence, the seconds spoken and the seconds expected.

    Raises:
        TextError: the text cannot be spoken.
        OptionError: there is no such voice or rate, or the name ends in something else.
        OutputError: the file cannot be written.
        AssetError: a model file cannot be had.
    """
    sound_kind(out)
    script = spoken_script(text, voice, rate, seed=seed)
    pieces = iter(script)
    first = next(pieces)
    marks = _Marks()
    with SoundWriter(out, rate=first.rate) as writer:
        for piece in chain([first], pieces):
            marks.add(piece, writer.samples)
            writer.write(piece.audio)
            if progress:
                progress(writer.duration_s, max(script.expected_s, writer.duration_s))
    return SpokenFile(
        path=Path(out),
        rate=first.rate,
        samples=writer.samples,
        language=first.language,
        phonemes=tuple(marks.phonemes),
        words=tuple(marks.words),
    )


class _Marks:
    """Phonemes and words of pieces that follow each other, on one time line."""

    def __init__(self) -> None:
        self.phonemes: list[Phoneme] = []
        self.words: list[Word] = []

    def add(self, piece: Speech, before: int) -> None:
        """Add the marks of a piece that so many samples lie before."""
        at_s = before / piece.rate
        self.phonemes += _moved(piece.phonemes, at_s)
        self.words += _moved(piece.words, at_s)


def _moved(marks: Iterable[_Mark], by_s: float) -> Iterator[_Mark]:
    for mark in marks:
        start_s, end_s = round(mark.start_s + by_s, _DIGITS), round(mark.end_s + by_s, _DIGITS)
        yield replace(mark, start_s=start_s, end_s=end_s)
