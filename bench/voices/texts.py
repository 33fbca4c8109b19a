"""What the voices are given to say."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

from avatarium.engine.introduction import greetings
from avatarium.engine.speech import Gender, Voice
from avatarium.engine.speech.tongues import code_of

HINDI_MAN = {"सुनाऊँगी": "सुनाऊँगा"}


def introduction(voice: Voice) -> str:
    """What a voice says of itself."""
    language, own = voice.language.split("-")[0], voice.name.split("-")[1]
    name = _table()["names"].get(language, {}).get(own, own.capitalize())
    text = str(_table().get(language) or greetings()[language]).format(name=name)
    if voice.gender is Gender.MALE:
        for woman, man in HINDI_MAN.items():
            text = text.replace(woman, man)
    return text


def sentences(voice: Voice) -> tuple[str, ...]:
    """What a voice is measured by."""
    return everyday()[code_of(voice.language)]


@functools.cache
def everyday() -> dict[str, tuple[str, ...]]:
    """Sentences by language, seven or eight where a natural voice speaks it and two elsewhere."""
    text = Path(__file__).with_name("sentences.toml").read_text(encoding="utf-8")
    return {code: tuple(told) for code, told in tomllib.loads(text).items()}


@functools.cache
def _table() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("introductions.toml").read_text(encoding="utf-8"))
