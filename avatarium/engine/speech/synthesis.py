"""Text to speech with the time of every phoneme and word."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import numpy as np

from avatarium.engine.speech import robotic, tempo, timing
from avatarium.engine.speech.g2p.chinese import transcribe_chinese
from avatarium.engine.speech.g2p.english import transcribe_english
from avatarium.engine.speech.g2p.espeak import transcribe_by_espeak
from avatarium.engine.speech.g2p.japanese import transcribe_japanese
from avatarium.engine.speech.g2p.transcript import Transcriber, Transcript
from avatarium.engine.speech.levels import levelled
from avatarium.engine.speech.models import cloned, hibari, kokoro
from avatarium.engine.speech.models.rendering import SAMPLE_RATE, Rendering
from avatarium.engine.speech.outside import speak_outside
from avatarium.engine.speech.records import Samples, Speech
from avatarium.engine.speech.speakers import Engine, Voice, find_voice
from avatarium.engine.speech.text.breaths import breaths
from avatarium.engine.speech.text.clauses import Clauses
from avatarium.engine.speech.text.prepare import Sentence, sentences
from avatarium.engine.speech.text.scripts import check_script
from avatarium.engine.speech.text.sentences import Boundary
from avatarium.engine.speech.timing import Timed
from avatarium.errors import OptionError, TextError

SLOWEST, FASTEST = 0.5, 2.0
LEAD_S = 0.04
"""Silence that every chunk begins with."""
PAUSES_S = {Boundary.WORD: 0.02, Boundary.CLAUSE: 0.16, Boundary.SENTENCE: 0.36, Boundary.PARAGRAPH: 0.65}
"""From the last sound of a chunk to the first of the next, at normal speed, lead included."""
FADE_S = 0.004
AUDIBLE_DB = -52.0
"""Against the loudest moment; what is quieter may be cut off at the ends of a chunk."""

_SHAPES = {
    "hibari-high": hibari.NATURAL,
    "hibari-low": hibari.Shape(pitch=0.5, tract=0.9, gain_db=1.0),
}


def synthesize(
    text: str, voice: Voice | str, rate: float = 1.0, *, seed: int = 0, threads: int | None = None
) -> Speech:
    """A whole text as speech at 24 kHz: the chunks of :func:`stream` put together.

    Args:
        text: at most ``MAX_CHARACTERS``; may hold ``<break time="500ms"/>``.
        voice: a voice, or what :func:`find_voice` understands.
        rate: speed, 0.5 to 2.
        seed: of all randomness; the same arguments give the same samples.
        threads: for the network; None is one for a live voice, two for others.

    Raises:
        TextError: the text cannot be spoken; see :func:`prepare` and :func:`check_script`.
        OptionError: codes ``unknown_voice``, ``no_voice_for_language`` and ``bad_rate``.
        AssetError: a model file cannot be had.
    """
    return join(stream(text, voice, rate, seed=seed, threads=threads))


def stream(
    text: str,
    voice: Voice | str,
    rate: float = 1.0,
    *,
    seed: int = 0,
    threads: int | None = None,
    in_clauses: bool = False,
) -> Iterator[Speech]:
    """As :func:`synthesize`, sentence by sentence, each as soon as it is made.

    Times in each chunk count from its own first sample. A long first sentence of a live voice comes in two chunks,
    and what takes it more than about 20 s in several. ``in_clauses`` gives shorter chunks of a voice that is not live,
    for somebody who waits for its first sound.
    What is wrong with the arguments is raised by this call, not by the iterator, except a mark-up error further down.
    The iterator holds one sentence at a time and may be handed to another thread; one thread at a time may use it.
    """
    speaker = find_voice(voice) if isinstance(voice, str) else voice
    if not SLOWEST <= rate <= FASTEST:
        raise OptionError(f"The rate {rate:g} is out of range; give one from {SLOWEST} to {FASTEST}.", code="bad_rate")
    if speaker.engine is Engine.EXTERNAL:
        return speak_outside(text, speaker, rate)
    check_script(text, speaker)
    script = sentences(text, speaker.language, opening_early=speaker.live)
    if in_clauses:
        script = chain.from_iterable(map(Clauses(), script))
    first = next(script)
    reader = _Reader(voice=speaker, rate=rate, seed=abs(seed), threads=threads or _threads(speaker))
    return reader.read(chain([first], script))


def join(chunks: Iterable[Speech]) -> Speech:
    """Chunks one after the other on one time line.

    Raises:
        ValueError: there are none, or their sample rates differ.
    """
    parts = list(chunks)
    if not parts or len({part.rate for part in parts}) > 1:
        raise ValueError("chunks to join must exist and have one sample rate")
    starts = np.cumsum([0, *(len(part.audio) for part in parts)]) / parts[0].rate
    pairs = list(zip(parts, starts.tolist(), strict=False))
    return Speech(
        audio=np.concatenate([part.audio for part in parts]),
        rate=parts[0].rate,
        phonemes=tuple(
            replace(p, start_s=p.start_s + at, end_s=p.end_s + at) for part, at in pairs for p in part.phonemes
        ),
        words=tuple(replace(w, start_s=w.start_s + at, end_s=w.end_s + at) for part, at in pairs for w in part.words),
        language=parts[0].language,
    )


def warm_up(voice: Voice | str) -> None:
    """Load everything that a voice needs, so that its next first chunk comes at once."""
    for _ in stream("1.", voice):
        pass


def _threads(voice: Voice) -> int:
    return 1 if voice.live else min(2, os.cpu_count() or 1)


def _transcriber(voice: Voice) -> Transcriber:
    language, _, region = voice.language.partition("-")
    if voice.engine is Engine.ESPEAK:
        return robotic.lengths
    if language == "en":
        return partial(transcribe_english, british=region == "GB")
    own = {"ja": transcribe_japanese, "zh": transcribe_chinese}.get(language)
    return own or partial(transcribe_by_espeak, language=language)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Take:
    """Sound with its phonemes on its own time line."""

    audio: Samples
    phonemes: tuple[Timed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """One reading of one text."""

    voice: Voice
    rate: float
    seed: int
    threads: int

    def read(self, script: Iterable[Sentence]) -> Iterator[Speech]:
        said = False
        if self.voice.live:  # somebody waits for the first sound
            breathed = partial(breaths, transcribe=_transcriber(self.voice), rate=self.rate)
            script = chain.from_iterable(map(breathed, script))
        for number, sentence in enumerate(script):
            chunk = self._chunk(sentence, number)
            said = said or bool(chunk.phonemes)
            yield chunk
        if not said:
            raise TextError(
                "Nothing in the text can be spoken by this voice; write what is to be said.", code="nothing_to_say"
            )

    def _chunk(self, sentence: Sentence, number: int) -> Speech:
        before = _silence(sentence.pause_before_s)
        take = self._spoken(sentence, number)
        if take is None:
            return Speech(audio=before, rate=SAMPLE_RATE, phonemes=(), words=(), language=self.voice.language)
        pause_s = sentence.pause_after_s
        pause_s = PAUSES_S[sentence.boundary] / self.rate if pause_s is None else pause_s
        ended = levelled(_ended(take, pause_s - LEAD_S), self.voice.gain_db)
        audio = np.concatenate([before, ended])
        shift_s = -len(before) / SAMPLE_RATE
        return Speech(
            audio=audio,
            rate=SAMPLE_RATE,
            phonemes=timing.delivered(take.phonemes, shift_s),
            words=timing.words(sentence.tokens, take.phonemes, shift_s),
            language=self.voice.language,
        )

    def _spoken(self, sentence: Sentence, number: int) -> _Take | None:
        if not sentence.tokens:
            return None
        if self.voice.engine is Engine.ESPEAK:
            audio, phonemes = robotic.robotic(sentence.tokens, voice=self.voice.model, rate=self.rate)
            return _begun(audio, phonemes) if phonemes else None
        model = hibari if self.voice.engine is Engine.HIBARI else kokoro
        transcript = _transcriber(self.voice)(sentence.tokens).kept(model.signs_known())
        parts = [
            take
            for i, part in enumerate(transcript.cut(model.LONGEST_SIGNS))
            if (take := self._take(part, number * 1000 + i)) is not None
        ]
        return _one(parts)

    def _take(self, transcript: Transcript, number: int) -> _Take | None:
        if not any(owner is not None for owner in transcript.owners):
            return None
        speed = self.rate if self.voice.engine is Engine.HIBARI or self.rate < tempo.SLOWED_BELOW else 1.0
        rendered = self._rendered(transcript.signs, number, speed)
        phonemes = timing.timed(transcript, rendered, speed)
        # What comes of a speed is only about what was asked for; the length at normal speed tells how much is missing.
        natural_s = _length_s(rendered) if speed == 1.0 else self._natural_s(transcript.signs, number)
        audio, phonemes = tempo.at_tempo(rendered.audio, phonemes, _length_s(rendered) * self.rate / natural_s)
        return _begun(audio, phonemes) if phonemes else None

    def _natural_s(self, signs: str, number: int) -> float:
        if self.voice.engine is Engine.HIBARI:
            return hibari.natural_s(signs, threads=self.threads)
        return _length_s(self._rendered(signs, number, 1.0))

    def _rendered(self, signs: str, number: int, speed: float) -> Rendering:
        if self.voice.engine is Engine.HIBARI:
            shape = _SHAPES[self.voice.model]
            return hibari.speak(signs, rate=speed, seed=(self.seed, number), shape=shape, threads=self.threads)
        if self.voice.engine is Engine.CLONED and self.voice.style:
            return cloned.speak(signs, path=self.voice.style, rate=speed, threads=self.threads)
        return kokoro.speak(signs, voice=self.voice.model, rate=speed, threads=self.threads)


def _length_s(rendered: Rendering) -> float:
    return len(rendered.audio) / SAMPLE_RATE


def _silence(seconds: float) -> Samples:
    return np.zeros(max(0, round(seconds * SAMPLE_RATE)), np.float32)


def _begun(audio: Samples, phonemes: tuple[Timed, ...]) -> _Take:
    """Without the network's own silence at the start, but with :data:`LEAD_S` of it."""
    audible = np.flatnonzero(timing.envelope_db(audio) > AUDIBLE_DB)
    heard_s = float(audible[0]) * timing.ENVELOPE_HOP / SAMPLE_RATE if len(audible) else 0.0
    start_s = min(phonemes[0].start_s, heard_s) - LEAD_S
    at = round(start_s * SAMPLE_RATE)
    begun = np.concatenate([_silence(-start_s), audio[max(at, 0) :]])
    fade = round(FADE_S * SAMPLE_RATE)
    begun[:fade] *= np.linspace(0.0, 1.0, fade, dtype=np.float32)[: len(begun)]
    shift_s = at / SAMPLE_RATE
    moved = tuple(replace(p, start_s=p.start_s - shift_s, end_s=p.end_s - shift_s) for p in phonemes)
    return _Take(audio=begun, phonemes=moved)


def _ended(take: _Take, pause_s: float) -> Samples:
    """Cut or filled up so that the last sound is followed by a silence of so many seconds."""
    audible = np.flatnonzero(timing.envelope_db(take.audio) > AUDIBLE_DB)
    heard = int(audible[-1] + 1) * timing.ENVELOPE_HOP if len(audible) else 0
    last = round(take.phonemes[-1].end_s * SAMPLE_RATE)
    kept = min(max(heard, last) + round(FADE_S * SAMPLE_RATE), len(take.audio))
    length = max(last + round(max(pause_s, 0.0) * SAMPLE_RATE), last)
    ended = np.zeros(length, np.float32)
    kept = min(kept, length)
    ended[:kept] = take.audio[:kept]
    fade = min(round(FADE_S * SAMPLE_RATE), kept)
    ended[kept - fade : kept] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return ended


def _one(parts: list[_Take]) -> _Take | None:
    """The parts of a sentence that is too long for the network, run together."""
    if len(parts) < 2:
        return parts[0] if parts else None
    audio: list[Samples] = []
    phonemes: list[Timed] = []
    at_s = 0.0
    for i, part in enumerate(parts):
        sound = part.audio if i == len(parts) - 1 else _ended(part, PAUSES_S[Boundary.WORD])
        phonemes += (replace(p, start_s=p.start_s + at_s, end_s=p.end_s + at_s) for p in part.phonemes)
        audio.append(sound)
        at_s += len(sound) / SAMPLE_RATE
    return _Take(audio=np.concatenate(audio), phonemes=tuple(phonemes))
