"""The media engine: speech, faces, pictures and video. It knows no web, no database and no settings.

    from avatarium.engine import speak

    speak("photo.jpg", "hello.mp4", text="Hello there.")

Names are resolved on first use, so that importing this package costs nothing: the libraries behind them take a second.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avatarium.engine.assets import AssetStore, default_store
    from avatarium.engine.avatars import BUILT_IN, read_avatar
    from avatarium.engine.face import Emotion, Life, PhotoActor, Shot, View, arkit_marks, frame_shot, speech_marks
    from avatarium.engine.introduction import preview
    from avatarium.engine.options import SpeakOptions
    from avatarium.engine.picture import read_picture
    from avatarium.engine.production import Take, make_video
    from avatarium.engine.recording import recorded_speech
    from avatarium.engine.script import Script
    from avatarium.engine.speech import Speech, Voice, find_voice, phonemes_from_audio, stream, synthesize, voices
    from avatarium.engine.spoken import SpokenFile, speak_to_file
    from avatarium.engine.talking import prepare_view, speak
    from avatarium.engine.video import Canvas, Fit, Rectangle, Size, VideoWriter, cover, read_sound

_HOMES = {
    "assets": ("AssetStore", "default_store"),
    "avatars": ("BUILT_IN", "read_avatar"),
    "face": ("Emotion", "Life", "PhotoActor", "Shot", "View", "arkit_marks", "frame_shot", "speech_marks"),
    "picture": ("read_picture",),
    "introduction": ("preview",),
    "options": ("SpeakOptions",),
    "production": ("Take", "make_video"),
    "recording": ("recorded_speech",),
    "script": ("Script",),
    "speech": ("Speech", "Voice", "find_voice", "phonemes_from_audio", "stream", "synthesize", "voices"),
    "spoken": ("SpokenFile", "speak_to_file"),
    "talking": ("prepare_view", "speak"),
    "video": ("Canvas", "Fit", "Rectangle", "Size", "VideoWriter", "cover", "read_sound"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BUILT_IN",
    "AssetStore",
    "Canvas",
    "Emotion",
    "Fit",
    "Life",
    "PhotoActor",
    "Rectangle",
    "Script",
    "Shot",
    "Size",
    "SpeakOptions",
    "Speech",
    "SpokenFile",
    "Take",
    "VideoWriter",
    "View",
    "Voice",
    "arkit_marks",
    "cover",
    "default_store",
    "find_voice",
    "frame_shot",
    "make_video",
    "phonemes_from_audio",
    "prepare_view",
    "preview",
    "read_avatar",
    "read_picture",
    "read_sound",
    "recorded_speech",
    "speak",
    "speak_to_file",
    "speech_marks",
    "stream",
    "synthesize",
    "voices",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
