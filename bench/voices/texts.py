"""What the voices are given to say."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

from avatarium.engine.introduction import greetings
from avatarium.engine.speech import Gender, Voice

HINDI_MAN = {"सुनाऊँगी": "सुनाऊँगा"}

SENTENCES: dict[str, tuple[str, ...]] = {
    "en": (
        "The meeting has been moved to Thursday because the manager is ill.",
        "Please remember to bring your passport and two photographs.",
        "If you have any questions, please send us a message and we will answer soon.",
    ),
    "es": (
        "La reunión se ha cambiado al jueves porque el director está enfermo.",
        "Mi madre compró pan, leche y mantequilla para el desayuno.",
    ),
    "fr": (
        "La réunion a été déplacée à jeudi parce que le directeur est malade.",
        "Demain, il fera beau le matin et il pleuvra un peu dans l'après-midi.",
    ),
    "it": (
        "La riunione è stata spostata a giovedì perché il direttore è malato.",
        "Domani ci sarà il sole al mattino e pioverà un poco nel pomeriggio.",
    ),
    "pt": (
        "A reunião foi transferida para quinta-feira porque o diretor está doente.",
        "No domingo vai fazer sol e na segunda-feira vai chover um pouco.",
    ),
    "hi": ("आज मौसम बहुत अच्छा है और हम बाज़ार जा रहे हैं।", "मेरी माँ ने नाश्ते के लिए दूध और रोटी खरीदी।"),
    "ja": (
        "今日はとても天気がいいので、友達と公園を散歩しました。",
        "会議は木曜日に変わりました。よろしくお願いします。",
    ),
    "zh": ("今天天气很好，我们一起去公园散步吧。", "会议改到星期四了，因为经理生病了。"),
}
"""Of natural voices; a robotic one says what it says of itself."""


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
    return SENTENCES.get(voice.language.split("-")[0]) or (introduction(voice),)


@functools.cache
def _table() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("introductions.toml").read_text(encoding="utf-8"))
