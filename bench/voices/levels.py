"""The gain of each voice, measured over what it says and written into ``avatarium/engine/speech/levels.toml``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

from avatarium.engine.speech import Voice, join, synthesize
from avatarium.engine.speech.levels import LOUDNESS_LUFS, gain_of
from bench.voices.loudness import measured
from bench.voices.texts import introduction, sentences

TABLE = Path(str(resources.files("avatarium.engine.speech").joinpath("levels.toml")))
HEAD = "# Decibels for each voice, by the name that its engine has for it; written by `python -m bench.voices levels`."


def write_levels(chosen: Sequence[Voice], every: Sequence[Voice]) -> None:
    """Measure some voices, keep the gains of the others."""
    gains = {voice.model: gain_of(voice.model) for voice in every}
    for voice in chosen:
        gains[voice.model] = round(LOUDNESS_LUFS - raw_lufs(voice), 1)
        print(voice.name, gains[voice.model], flush=True)
        lines = [HEAD, *(f'"{model}" = {gain}' for model, gain in gains.items() if gain)]
        TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def raw_lufs(voice: Voice) -> float:
    """How loud a voice is before any gain; quiet enough that the limiter does nothing."""
    texts = list(dict.fromkeys((introduction(voice), *sentences(voice))))
    plain = replace(voice, gain_db=-6.0)
    speech = join(synthesize(text, plain, threads=1) for text in texts)
    return measured(speech.audio, speech.rate).lufs + 6.0
