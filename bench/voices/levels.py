"""The gain of each voice, measured over what it says and written into ``avatarium/engine/speech/levels.toml``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

from avatarium.engine.speech import Samples, Voice, join, synthesize
from avatarium.engine.speech.levels import LOUDNESS_LUFS, gain_of, levelled
from bench.voices.loudness import measured
from bench.voices.texts import introduction, sentences

TABLE = Path(str(resources.files("avatarium.engine.speech").joinpath("levels.toml")))
QUIET_DB = -6.0
ROUNDS = 4
HEAD = "# Decibels for each voice, by the name that its engine has for it; written by `python -m bench.voices levels`."


def write_levels(chosen: Sequence[Voice], every: Sequence[Voice]) -> None:
    """Measure some voices, keep the gains of the others."""
    gains = {voice.model: gain_of(voice.model) for voice in every}
    for voice in chosen:
        gains[voice.model] = round(gain_db(voice), 1)
        print(voice.name, gains[voice.model], flush=True)
        lines = [HEAD, *(f'"{model}" = {gain}' for model, gain in gains.items() if gain)]
        TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def gain_db(voice: Voice) -> float:
    """What a voice lacks; where its peaks meet the limiter, so much more that it is as loud behind it."""
    texts = list(dict.fromkeys((introduction(voice), *sentences(voice))))
    plain = replace(voice, gain_db=QUIET_DB)  # so quiet that the limiter does nothing
    speech = join(synthesize(text, plain, threads=1) for text in texts)
    return settled(speech.audio, speech.rate) + QUIET_DB


def settled(audio: Samples, rate: int) -> float:
    """The gain that brings a sound to the wanted loudness, limiter included."""
    gain = 0.0
    for _ in range(ROUNDS):
        gain += LOUDNESS_LUFS - measured(levelled(audio, gain), rate).lufs
    return gain
