"""The recordings of somebody, heard: where speech is, what is said in it, and how well it can be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import soxr

from avatarium.engine.speech import activity
from avatarium.engine.speech.cloning import quality
from avatarium.engine.speech.cloning.records import SAMPLE_RATE, Progress
from avatarium.engine.speech.records import Samples, Word
from avatarium.engine.speech.transcripts import Said, Transcript, transcribe
from avatarium.engine.video.loudness import loudness_lufs
from avatarium.engine.video.sound import read_sound
from avatarium.errors import InputError

MOST_RECORDINGS = 20
LONGEST_S = 900.0
"""Of one recording."""
MOST_S = 180.0
"""Of all that is heard; more speech makes no better clone."""
PAUSE_S = 0.3
"""Silence between two recordings."""
SHORTEST_PIECE_S, LONGEST_PIECE_S = 0.9, 2.4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """A few words of the recording."""

    samples: Samples
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """What the recordings hold, joined, at 24 kHz."""

    samples: Samples
    """Without noise, where that was asked for."""
    untouched: Samples
    """As they were: noise hides less of who speaks than taking it out does."""
    spoken: tuple[tuple[int, int], ...]
    """First and last sample of every stretch of speech."""
    transcript: Transcript
    clipped: float
    """Share of samples that are cut flat, of the worst recording."""

    @property
    def seconds(self) -> float:
        """Of speech."""
        return sum(end - start for start, end in self.spoken) / SAMPLE_RATE

    def speech(self, *, untouched: bool = False) -> Samples:
        """The speech without what lies between it."""
        whole = self.untouched if untouched else self.samples
        parts = [whole[start:end] for start, end in self.spoken]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def facts(self) -> Mapping[str, float]:
        """What was measured."""
        spoken = list(self.spoken)
        return {
            "snr_db": quality.snr_db(self.samples, spoken, SAMPLE_RATE),
            "clipped_share": self.clipped,
            "bandwidth_hz": quality.bandwidth_hz(self.speech(), SAMPLE_RATE),
            "loudness_lufs": float(np.maximum(loudness_lufs(self.samples, SAMPLE_RATE), -70.0)),
            "speakers": float(self.transcript.speakers),
            "speech_share": self.seconds / max(len(self.samples) / SAMPLE_RATE, 1e-9),
            "sung_share": quality.sung_share(self.speech(), SAMPLE_RATE),
            "confidence": _confidence(self.transcript.segments),
        }

    def pieces(self, before: int | None = None) -> tuple[Piece, ...]:
        """Speech cut between words, in the pauses where there are some.

        Args:
            before: only of the first so many samples of :meth:`speech`.
        """
        end_s = self._end_s(before)
        words = [word for said in self.transcript.segments for word in said.words if word.end_s <= end_s]
        groups = _groups(words)
        return tuple(piece for group in groups if (piece := self._piece(group)) is not None)

    def until(self, samples: int) -> Material:
        """Only the first so many samples of :meth:`speech`, and what is said in them."""
        end_s = self._end_s(samples)
        kept = [said for said in self.transcript.segments if said.start_s < end_s]
        segments = tuple(replace(said, words=tuple(w for w in said.words if w.end_s <= end_s)) for said in kept)
        end = round(end_s * SAMPLE_RATE)
        return replace(
            self,
            samples=self.samples[:end],
            untouched=self.untouched[:end],
            spoken=tuple((start, min(stop, end)) for start, stop in self.spoken if start < end),
            transcript=replace(self.transcript, segments=segments),
        )

    def _end_s(self, before: int | None) -> float:
        left = before
        for start, end in self.spoken if left is not None else ():
            if left is not None and end - start >= left:
                return (start + left) / SAMPLE_RATE
            left = None if left is None else left - (end - start)
        return len(self.samples) / SAMPLE_RATE

    def _piece(self, words: Sequence[Word]) -> Piece | None:
        start, end = round(words[0].start_s * SAMPLE_RATE), round(words[-1].end_s * SAMPLE_RATE)
        if end - start < SHORTEST_PIECE_S * SAMPLE_RATE:
            return None
        return Piece(samples=self.samples[max(0, start) : end], text=" ".join(word.text for word in words))


def gather(
    recordings: Sequence[Path],
    *,
    language: str,
    cleaned: Callable[[Samples], Samples] | None = None,
    progress: Progress | None = None,
) -> Material:
    """Read, join and hear some recordings; about 0.4 s of CPU for a second of sound.

    Args:
        language: of what is spoken; heard where it is empty.
        cleaned: takes noise out of a recording at 24 kHz. Words are recognised in the recording as it was.
        progress: told the share that is done; may raise.

    Raises:
        InputError: ``no_recordings``.
        AudioError: one cannot be read; see :func:`read_sound`.
    """
    if not 1 <= len(recordings) <= MOST_RECORDINGS:
        raise InputError(f"Give 1 to {MOST_RECORDINGS} recordings of one person.", code="no_recordings")
    sounds = [read_sound(path, SAMPLE_RATE, max_s=LONGEST_S).samples for path in recordings]
    heard = _joined(sounds)
    transcript = transcribe(heard, SAMPLE_RATE, language=language, progress=progress)
    samples = _joined([cleaned(sound) for sound in sounds]) if cleaned else heard
    return Material(
        samples=samples,
        untouched=heard,
        spoken=tuple(_spoken(heard)),
        transcript=transcript,
        clipped=max(quality.clipped_share(sound) for sound in sounds),
    )


def _joined(sounds: Sequence[Samples]) -> Samples:
    pause = np.zeros(round(PAUSE_S * SAMPLE_RATE), np.float32)
    return np.concatenate([part for sound in sounds for part in (sound, pause)])[: round(MOST_S * SAMPLE_RATE)]


def _spoken(samples: Samples) -> Iterator[tuple[int, int]]:
    quiet = np.asarray(soxr.resample(samples, SAMPLE_RATE, activity.RATE), np.float32)
    quiet = quiet / max(float(np.abs(quiet).max(initial=0.0)), 1e-4) * 0.5
    for stretch in activity.stretches(activity.probabilities([quiet])):
        yield round(stretch.start_s * SAMPLE_RATE), min(len(samples), round(stretch.end_s * SAMPLE_RATE))


def _groups(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Words in groups of at most :data:`LONGEST_PIECE_S`, ended by any pause once they are long enough."""
    group: list[Word] = []
    for word, after in pairwise([*words, None]):
        assert word is not None  # noqa: S101
        if group and word.end_s - group[0].start_s > LONGEST_PIECE_S:
            yield group
            group = []
        group.append(word)
        pause_s = after.start_s - word.end_s if after else 1.0
        if pause_s > 0.2 and word.end_s - group[0].start_s > SHORTEST_PIECE_S:
            yield group
            group = []
    if group:
        yield group


def _confidence(segments: Sequence[Said]) -> float:
    return float(np.mean([said.confidence for said in segments])) if segments else 0.0
