"""From recordings to a voice: the built-in way, which shifts Kokoro's styles until they sound like somebody.

1. The recordings are heard: speech, words, who speaks. Some seconds are held back to judge by.
2. The ready voices that are most alike give the start; the one that moves most like the person gives the prosody.
3. What the person said is laid out for Kokoro's decoder, and the style is learnt from it, along the slope of how far
   the sound is from the recording's and how unlike the speaker (:mod:`network`, :mod:`learning`).
4. An equaliser takes up what is left of the colour; the voice is judged on sentences that it has not learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.assets import default_store
from avatarium.engine.speech.cloning import network, reading
from avatarium.engine.speech.cloning.advice import check
from avatarium.engine.speech.cloning.colour import equaliser, lowest_hz
from avatarium.engine.speech.cloning.judging import judged, likeness_of
from avatarium.engine.speech.cloning.learning import STYLE_SIZE, Lesson, Pace, learn
from avatarium.engine.speech.cloning.material import Material, gather
from avatarium.engine.speech.cloning.noise import denoised
from avatarium.engine.speech.cloning.package import VoiceFacts, VoiceFile, write_voice
from avatarium.engine.speech.cloning.phrases import Phrase, free_phrase, phrase
from avatarium.engine.speech.cloning.pitch import pitch_hz
from avatarium.engine.speech.cloning.prosody import manner, moving_like
from avatarium.engine.speech.cloning.records import SAMPLE_RATE, Cloned, Effort, Progress
from avatarium.engine.speech.cloning.speaking import Planner, say, say_cloned
from avatarium.engine.speech.cloning.stock import middle, speak, stock, styles
from avatarium.engine.speech.identity import embed
from avatarium.engine.speech.models.cloned import coloured
from avatarium.engine.speech.models.sessions import open_session
from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.speakers import Gender

METHOD = "kokoro-table"

Array = NDArray[np.float32]

_HELD_SHARE, _HELD_LEAST_S, _HELD_MOST_S = 0.25, 4.0, 10.0
_ENOUGH_S = 16.0
"""Speech from which some is held back to judge the clone by; of less, all is needed to learn."""
_LIKENESS, _FAITHFULNESS = 1.0, 0.6
"""What weighs how much in a lesson: a cosine, and nepers of distance between bands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    steps: int
    pieces: int
    """Phrases of the person's own that are learnt from."""
    candidates: int
    """Ready voices that are asked how they move."""


_WORK = {Effort.QUICK: _Work(steps=6, pieces=2, candidates=3), Effort.BEST: _Work(steps=160, pieces=10, candidates=14)}


class TableCloner:
    """The built-in cloner, ``kokoro-table``."""

    def clone(
        self,
        recordings: Sequence[Path],
        out: Path,
        *,
        gender: Gender,
        language: str,
        denoise: bool,
        effort: Effort,
        seed: int,
        scratch: Path,
        progress: Progress,
    ) -> Cloned:
        """See :func:`avatarium.engine.speech.cloning.clone_voice`; the scratch folder is not needed."""
        progress(0.0)
        cleaned = denoised if denoise else None
        material = gather(recordings, language="", cleaned=cleaned, progress=lambda share: progress(0.05 * share))
        check(material, language=language)
        return make(material, out, gender=gender, language=language, effort=effort, seed=seed, progress=progress)


def make(
    material: Material, out: Path, *, gender: Gender, language: str, effort: Effort, seed: int, progress: Progress
) -> Cloned:
    """Make the voice of recordings that have been heard, and found fit."""
    work = _WORK[effort]
    spoken = language or material.transcript.language
    tongue, heard = reading.reading_language(spoken), reading.hearing_language(spoken)
    at, held = _held_back(material)
    voice = embed(material.speech(untouched=True)[:at], SAMPLE_RATE)
    near = stock().nearest(voice, gender)
    pool = [name for name, _ in near if speak(tongue, name)]
    progress(0.05)
    planner = Planner()
    prosody = _prosody(material, planner, heard, pool[: work.candidates])
    progress(0.12)
    base = pool[0]
    lessons = _lessons(material, planner, heard, base, prosody, work, limit=at)
    progress(0.2)
    network_bytes = network.learner(default_store().path("kokoro"), _campplus())
    session = open_session(network_bytes, threads=2, keeps_memory=False)
    del network_bytes
    found = learn(
        session,
        lessons,
        start=middle(stock().table(base))[:STYLE_SIZE],
        voice=voice,
        within=styles(),
        pace=Pace(steps=work.steps),
        seed=seed,
        progress=lambda share: progress(0.22 + 0.7 * share),
    )
    del session
    table = _table(base, found.style, prosody)
    return _finished(
        table, found.offsets, material, material.speech()[:at], held, out, gender=gender, language=tongue, near=near[0]
    )


def _campplus() -> Path:
    return default_store().path("speakers") / "campplus.onnx"


def _held_back(material: Material) -> tuple[int, Samples]:
    """How many samples of the speech are learnt from, and speech to judge by: the end of it where there is enough."""
    speech = material.speech(untouched=True)
    if material.seconds < _ENOUGH_S:
        return len(speech), speech
    held_s = float(np.clip(_HELD_SHARE * material.seconds, _HELD_LEAST_S, _HELD_MOST_S))
    at = len(speech) - round(held_s * SAMPLE_RATE)
    return at, speech[at:]


def _prosody(material: Material, planner: Planner, heard: str, candidates: Sequence[str]) -> Array:
    speech = material.speech()
    course = pitch_hz(speech, SAMPLE_RATE)
    pieces = material.pieces()
    signs = sum(len(reading.signs_of(piece.text, heard)) for piece in pieces)
    seconds = sum(len(piece.samples) for piece in pieces) / SAMPLE_RATE
    wanted = manner(course[course > 0], signs, max(seconds, 0.1))
    return moving_like(wanted, planner, [reading.signs_of(text, "en-US") for text in reading.PHRASES], candidates)


def _lessons(
    material: Material, planner: Planner, heard: str, base: str, prosody: Array, work: _Work, *, limit: int
) -> list[Lesson]:
    """The person's own phrases and others, turn by turn."""
    own = [
        Lesson(phrase=made, likeness=_LIKENESS, faithfulness=_FAITHFULNESS)
        for made in _own_phrases(material, planner, heard, base, work.pieces, limit)
    ]
    style = middle(np.concatenate([stock().table(base)[:, :STYLE_SIZE], prosody], axis=1))
    plans = [planner.plan(reading.signs_of(text, "en-US"), style) for text in reading.PHRASES]
    free = [Lesson(phrase=free_phrase(plan), likeness=_LIKENESS) for plan in plans][: max(1, work.pieces)]
    return [lesson for pair in _paired(own, free) for lesson in pair] if own else free


def _paired(own: list[Lesson], free: list[Lesson]) -> list[list[Lesson]]:
    """Two phrases of the person's, then one of the others."""
    pairs = [own[i : i + 2] for i in range(0, len(own), 2)]
    return [[*pair, free[i % len(free)]] for i, pair in enumerate(pairs)]


def _own_phrases(material: Material, planner: Planner, heard: str, base: str, count: int, limit: int) -> list[Phrase]:
    found: list[Phrase] = []
    table = stock().table(base)
    for piece in material.pieces(limit):
        signs = reading.signs_of(piece.text, heard)
        if not signs or len(found) == count:
            continue
        plan = planner.plan(signs, table[min(len(signs), len(table) - 1)])
        found.append(phrase(piece.samples, plan, say(signs, table)))
    return found


def _table(base: str, style: Array, prosody: Array) -> Array:
    """Styles by the number of signs: what was learnt, changing with it as the ready voice does."""
    timbre = stock().table(base)[:, :STYLE_SIZE]
    moved = timbre + (style - middle(timbre))
    return np.asarray(np.concatenate([moved, prosody], axis=1), np.float32)


def _finished(
    table: Array,
    offsets: Array,
    material: Material,
    learnt: Samples,
    held: Samples,
    out: Path,
    *,
    gender: Gender,
    language: str,
    near: tuple[str, float],
) -> Cloned:
    said = [say_cloned(reading.signs_of(text, "en-US"), table, offsets) for text in reading.UNSEEN]
    course = pitch_hz(learnt, SAMPLE_RATE)
    low = lowest_hz(course[course > 0])
    gains = equaliser(learnt, np.concatenate(said), bandwidth_hz=material.facts()["bandwidth_hz"], lowest_hz=low)
    samples = [coloured(sound, gains, lowest_hz=low) for sound in said]
    whose = embed(held, SAMPLE_RATE)
    similarity, word_error = likeness_of(samples, whose), judged(samples, reading.UNSEEN)
    stock_similarity = float(stock().vectors[stock().names.index(near[0])] @ whose)
    facts = VoiceFacts(
        method=METHOD,
        gender=gender,
        language=language,
        similarity=round(similarity, 4),
        nearest_stock=near[0],
        nearest_stock_similarity=round(stock_similarity, 4),
        seconds_used=round(len(learnt) / SAMPLE_RATE, 2),
        word_error=None if word_error is None else round(word_error, 4),
        lowest_hz=low,
    )
    write_voice(VoiceFile(facts=facts, table=table, offsets=offsets, equaliser=gains), out)
    return Cloned(
        path=out,
        similarity=similarity,
        nearest_stock=near[0],
        nearest_stock_similarity=stock_similarity,
        word_error=word_error,
        seconds_used=len(learnt) / SAMPLE_RATE,
        method=METHOD,
        sample=samples[0],
    )
