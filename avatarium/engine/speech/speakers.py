"""The voices: who there is, and how to find one."""

from __future__ import annotations

import difflib
import functools
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from avatarium.engine.speech.levels import gain_of
from avatarium.engine.speech.tongues import ROBOTIC, Tongue, code_of
from avatarium.errors import OptionError


class Engine(StrEnum):
    """What makes the sound."""

    HIBARI = "hibari"
    """Fast: about a hundredth of the audio's length on one core; English."""
    KOKORO = "kokoro"
    """Best: about as long as the audio on one core."""
    ESPEAK = "espeak"
    """Robotic, and faster than all others: for languages that no network speaks here."""
    CLONED = "cloned"
    """Somebody's own voice, spoken by Kokoro's network with a style of its own."""
    EXTERNAL = "external"
    """A voice of an outside vendor, behind the network."""


class Gender(StrEnum):
    """How a voice sounds."""

    FEMALE = "female"
    MALE = "male"


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Somebody who can speak."""

    name: str
    engine: Engine
    languages: tuple[str, ...]
    """BCP 47 tags, the first its own."""
    gender: Gender
    licence: str
    live: bool
    """Fast enough for a conversation."""
    description: str
    model: str
    """The engine's own name for it; :func:`find_voice` knows it too."""
    gain_db: float = 0.0
    """Brings the engine's own level to :data:`~avatarium.engine.speech.levels.LOUDNESS_LUFS`."""
    style: Path | None = None
    """The file of a cloned voice."""

    @property
    def language(self) -> str:
        """Its own language."""
        return self.languages[0]


_LICENCE = "Apache-2.0"
_PLACES = {
    "a": ("en-US", "American English"),
    "b": ("en-GB", "British English"),
    "e": ("es", "Spanish"),
    "f": ("fr", "French"),
    "i": ("it", "Italian"),
    "p": ("pt-BR", "Brazilian Portuguese"),
    "h": ("hi", "Hindi"),
    "j": ("ja", "Japanese"),
    "z": ("zh", "Mandarin Chinese"),
}
_KOKORO = {
    **{"af_heart": "warm and clear", "af_bella": "lively", "af_nicole": "whispering, close to the ear"},
    **{"af_sarah": "calm", "af_aoede": "light", "af_kore": "firm", "af_nova": "bright", "af_alloy": "even"},
    **{"af_sky": "young", "af_jessica": "youthful", "af_river": "soft"},
    **{"am_michael": "warm and clear", "am_fenrir": "strong", "am_puck": "lively", "am_eric": "businesslike"},
    **{"am_liam": "young", "am_echo": "even", "am_onyx": "deep", "am_adam": "plain", "am_santa": "old and hearty"},
    **{"bf_emma": "clear", "bf_isabella": "gentle", "bf_alice": "bright", "bf_lily": "light"},
    **{"bm_george": "mature", "bm_fable": "a storyteller", "bm_lewis": "deep", "bm_daniel": "even"},
    **{"ef_dora": "clear", "em_alex": "clear", "em_santa": "old and hearty", "ff_siwis": "clear"},
    **{"if_sara": "clear", "im_nicola": "clear"},
    **{"pf_dora": "clear", "pm_alex": "clear", "pm_santa": "old and hearty", "hf_alpha": "clear", "hf_beta": "bright"},
    **{"hm_omega": "clear", "hm_psi": "even"},
    **{"jf_alpha": "clear", "jf_gongitsune": "telling a tale", "jf_tebukuro": "gentle", "jf_nezumi": "light"},
    **{"jm_kumo": "calm"},
    **{"zf_xiaobei": "clear", "zf_xiaoxiao": "warm", "zf_xiaoyi": "lively", "zf_xiaoni": "light"},
    **{"zm_yunxi": "clear", "zm_yunyang": "a newsreader", "zm_yunjian": "strong", "zm_yunxia": "young"},
}
"""Kokoro's voices, the best of each kind first."""
_ESPEAK = {Gender.FEMALE: ("woman", "f2"), Gender.MALE: ("man", "m3")}
"""The name of a robotic voice, and the variant of eSpeak NG that it is."""


@functools.cache
def voices() -> tuple[Voice, ...]:
    """Every voice; within a language the best come first."""
    return (
        *(_kokoro(model, manner) for model, manner in _KOKORO.items()),
        *_live(),
        *(_robot(code, tongue, gender) for code, tongue in ROBOTIC.items() for gender in _ESPEAK),
    )


def find_voice(name_or_language: str, *, gender: Gender | None = None, live: bool = False) -> Voice:
    """A voice by its name, or the best one for a language.

    Args:
        name_or_language: ``kokoro-heart``, the engine's own ``af_heart``, or a BCP 47 tag such as ``en-GB`` or ``pt``.
        gender: only for a language: which to prefer.
        live: only for a language: one that is fast enough for a conversation.

    Raises:
        OptionError: codes ``unknown_voice`` and ``no_voice_for_language``.
    """
    from avatarium.engine.speech.outside import vendor_voices

    wanted = name_or_language.strip()
    for voice in (*voices(), *vendor_voices()):
        if wanted.lower() in (voice.name, voice.model):
            return voice
    if not re.fullmatch(r"(?:[A-Za-z]{2}|cmn)(?:[-_][A-Za-z0-9]{2,8}){0,3}", wanted):
        raise _unknown(wanted)
    fitting = [voice for voice in _speakers(wanted) if voice.live or not live]
    if not fitting:
        raise _no_language(wanted, live)
    return next((voice for voice in fitting if gender in (None, voice.gender)), fitting[0])


def _kokoro(model: str, manner: str) -> Voice:
    place, sex, own = model[0], model[1], model.split("_")[1]
    tag, language = _PLACES[place]
    suffix = "" if place in "ab" else f"-{tag.split('-')[0]}"
    gender = Gender.FEMALE if sex == "f" else Gender.MALE
    return Voice(
        name=f"kokoro-{own}{suffix}",
        engine=Engine.KOKORO,
        languages=(tag,),
        gender=gender,
        licence=_LICENCE,
        live=False,
        description=f"{language}, {gender}, {manner}.",
        model=model,
        gain_db=gain_of(model),
    )


def _live() -> tuple[Voice, ...]:
    return (
        Voice(
            name="hibari-ava",
            engine=Engine.HIBARI,
            languages=("en-US",),
            gender=Gender.FEMALE,
            licence=_LICENCE,
            live=True,
            description="American English, female, warm and clear; fast enough for a conversation.",
            model="hibari-high",
            gain_db=gain_of("hibari-high"),
        ),
        Voice(
            name="hibari-noah",
            engine=Engine.HIBARI,
            languages=("en-US",),
            gender=Gender.MALE,
            licence=_LICENCE,
            live=True,
            description="American English, male, made out of hibari-ava's network by a lower pitch and a longer vocal "
            "tract: clear, a little less natural; fast enough for a conversation.",
            model="hibari-low",
            gain_db=gain_of("hibari-low"),
        ),
    )


def _robot(code: str, tongue: Tongue, gender: Gender) -> Voice:
    own, variant = _ESPEAK[gender]
    return Voice(
        name=f"espeak-{own}-{code}",
        engine=Engine.ESPEAK,
        languages=(code,),
        gender=gender,
        licence="GPL-3.0-or-later (the program, which runs by itself; what it says is yours)",
        live=True,
        description=f"{tongue.name}, {gender}; sounds robotic, as no natural voice speaks this language here; fast "
        "enough for a conversation.",
        model=f"{tongue.espeak}+{variant}",
        gain_db=gain_of(f"{tongue.espeak}+{variant}"),
    )


def _speakers(tag: str) -> list[Voice]:
    exact = [v for v in voices() if v.language.lower() == tag.lower().replace("_", "-")]
    return exact or [v for v in voices() if code_of(v.language) == code_of(tag)]


def _unknown(wanted: str) -> OptionError:
    names = [voice.name for voice in voices()]
    near = difflib.get_close_matches(wanted.lower(), names, n=3, cutoff=0.4)
    natural = [voice.name for voice in voices() if voice.engine is not Engine.ESPEAK]
    advice = f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(natural)}."
    return OptionError(f'There is no voice "{wanted}"; {advice}', code="unknown_voice")


def _no_language(tag: str, live: bool) -> OptionError:
    known = sorted({voice.language for voice in voices() if voice.live or not live})
    kind = "live voice" if live else "voice"
    return OptionError(
        f'No {kind} speaks the language "{tag}"; there are voices for {", ".join(known)}.', code="no_voice_for_language"
    )
