"""Voices made out of recordings of somebody: advice before, the clone itself, and opening it afterwards.

advice = advise_voice([Path("me.wav")])
clone = clone_voice([Path("me.wav")], Path("me.voice"), gender=Gender.FEMALE, scratch=folder)
speech = synthesize("Hello there.", open_voice(clone.path))
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avatarium.engine.speech.cloning.records import Cloned, Effort, VoiceAdvice, VoiceCloner
from avatarium.engine.speech.speakers import Engine, Gender, Voice

if TYPE_CHECKING:
    from avatarium.engine.speech.cloning.advice import advise_voice

__all__ = ["Cloned", "Effort", "VoiceAdvice", "VoiceCloner", "advise_voice", "clone_voice", "open_voice"]


def __getattr__(name: str) -> Any:
    if name != "advise_voice":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.advice").advise_voice


def clone_voice(
    recordings: Sequence[Path],
    out: Path,
    *,
    gender: Gender,
    language: str = "en-US",
    denoise: bool = False,
    effort: Effort = Effort.BEST,
    seed: int = 0,
    scratch: Path,
    progress: Callable[[float], None] | None = None,
    cloner: str = "kokoro-table",
) -> Cloned:
    """Make a voice that sounds like the person of some recordings, and write its file.

    The voice speaks every language that Kokoro reads. The same recordings and seed give the same file. Memory: about
    3 GB while it is made.

    Args:
        recordings: sound files or videos in which this person alone speaks, 10 s in all at least; 30 to 60 are good.
        out: the file, whose name should end in ``.voice``; it stands there whole or not at all.
        language: BCP 47 of what is spoken in the recordings; empty is any.
        denoise: take noise out of the recordings first.
        seed: of what is left to chance.
        scratch: a folder for whatever the cloner has to put down; the caller removes it.
        progress: told the share that is done every few seconds; may raise to stop the work.
        cloner: ``kokoro-table``, or a plug-in's name.

    Raises:
        AudioError: ``no_speech``, ``music_only``, ``two_speakers``, ``voice_too_short``, ``voice_clipped``,
            ``voice_noisy``, ``wrong_language``, and what reading a sound file raises.
        InputError: ``no_recordings``.
        OptionError: ``unknown_cloner``.
        AssetError: a model file cannot be had.
    """
    from avatarium.engine.speech.cloning.choice import cloner as chosen

    return chosen(cloner).clone(
        recordings,
        out,
        gender=gender,
        language=language,
        denoise=denoise,
        effort=effort,
        seed=seed,
        scratch=scratch,
        progress=progress or (lambda share: None),
    )


def open_voice(path: Path, *, language: str = "en-US") -> Voice:
    """The voice of a file, to be spoken with like any other.

    Args:
        language: BCP 47 of the texts that it is to read.

    Raises:
        InputError: ``voice_unreadable``.
    """
    from avatarium.engine.speech.cloning.package import read_voice

    facts = read_voice(path).facts
    return Voice(
        name=path.stem,
        engine=Engine.CLONED,
        languages=(language,),
        gender=facts.gender,
        licence="of the person whose voice it is",
        live=False,
        description=f"Cloned voice, {facts.gender}.",
        model=f"cloned-{path.stem}",
        style=path,
    )
