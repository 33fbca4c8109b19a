"""A recording as speech: read, recognised, and cut into pieces that can be shown one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from avatarium.engine.speech.records import Phoneme, Speech
from avatarium.engine.video.sound import Sound, read_sound

RATE = 24000
"""Divisible by every frame rate, so that a piece can be cut at a frame."""
SHORTEST_PIECE_S, LONGEST_PIECE_S = 8.0, 20.0
GOOD_PAUSE_S = 0.25


def recorded_speech(path: str | Path, language: str | None = None) -> Speech:
    """What is said in a sound or video file, phoneme by phoneme; words are not known.

    Args:
        language: BCP 47 tag, where it is known.

    Raises:
        AudioError: the file cannot be read (see :func:`read_sound`), or ``no_speech``.
    """
    return recognise(read_sound(path, RATE), language)


def recognise(sound: Sound, language: str | None = None) -> Speech:
    """As :func:`recorded_speech`, of a sound that was read at :data:`RATE`."""
    from avatarium.engine.speech import phonemes_from_audio

    return phonemes_from_audio(sound.samples, sound.rate, language)


def written_down(speech: Speech, language: str = "") -> Speech:
    """The same speech with its words, which are recognised, as :func:`transcribe` does.

    Args:
        language: BCP 47 tag; found out where it is empty, or one that recognition does not know.

    Raises:
        AssetError: the recogniser cannot be had.
    """
    from avatarium.engine.speech.transcripts import languages, transcribe

    code = language.split("-")[0].lower()
    heard = transcribe(speech.audio, speech.rate, language=code if code in languages() else "", speakers=1)
    return replace(speech, words=tuple(word for said in heard.segments for word in said.words))


def in_pieces(speech: Speech, fps: int) -> Iterator[Speech]:
    """Pieces of 8 to 20 seconds, cut in pauses where there are any, every cut at a frame; together the very same sound.

    Args:
        fps: frames a second, a divisor of the speech's rate.
    """
    hop = speech.rate // fps
    start = 0
    while start < len(speech.audio):
        end = len(speech.audio)
        if end - start > LONGEST_PIECE_S * speech.rate:
            cut_s = _cut_s(speech.phonemes, start / speech.rate)
            end = round(cut_s * speech.rate / hop) * hop
        yield _between(speech, start, end)
        start = end


def _cut_s(phonemes: tuple[Phoneme, ...], start_s: float) -> float:
    """The first good pause that leaves the piece long enough, else the longest one, else the very end."""
    first_s, last_s = start_s + SHORTEST_PIECE_S, start_s + LONGEST_PIECE_S
    edges = [first_s, *(t for p in phonemes for t in (p.start_s, p.end_s) if first_s < t < last_s), last_s]
    inside = [p for p in phonemes if p.end_s > first_s and p.start_s < last_s]
    pauses = [
        (b - a, (a + b) / 2)
        for a, b in zip(edges, edges[1:], strict=False)
        if not any(p.start_s < (a + b) / 2 < p.end_s for p in inside)
    ]
    good = next((middle for length, middle in pauses if length >= GOOD_PAUSE_S), None)
    return good if good is not None else max(pauses, default=(0.0, last_s))[1]


def _between(speech: Speech, start: int, end: int) -> Speech:
    start_s, end_s = start / speech.rate, end / speech.rate
    phonemes = tuple(
        replace(p, start_s=max(p.start_s, start_s) - start_s, end_s=min(p.end_s, end_s) - start_s)
        for p in speech.phonemes
        if start_s <= (p.start_s + p.end_s) / 2 < end_s
    )
    words = tuple(
        replace(w, start_s=w.start_s - start_s, end_s=w.end_s - start_s)
        for w in speech.words
        if start_s <= (w.start_s + w.end_s) / 2 < end_s
    )
    return replace(speech, audio=speech.audio[start:end], phonemes=phonemes, words=words)
