"""Dubbing: the same people in the same video, speaking another language.

    document = hear(media, folder, target_language="es")         # who says what and when, translated
    stems = Stems.in_folder(folder)
    cast = choose_voices(document, stems, folder=folder)
    dubbed = render(document, media, stems, out, voices=cast.voices, folder=folder)

In between, the document may be corrected. Names are resolved on first use, so that importing this package costs
nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from avatarium.engine.dubbing.document import CLONE, DubDocument, Segment, Speaker, changed_segments, untranslated
from avatarium.engine.dubbing.records import Dubbed, Fitted

if TYPE_CHECKING:
    from avatarium.engine.dubbing.casting import Cast, choose_voices
    from avatarium.engine.dubbing.hearing import hear, retranslate
    from avatarium.engine.dubbing.media import MediaFacts, check_media
    from avatarium.engine.dubbing.rendering import render
    from avatarium.engine.speech.separation import Stems

_HOMES = {
    **dict.fromkeys(("Cast", "choose_voices"), "avatarium.engine.dubbing.casting"),
    **dict.fromkeys(("hear", "retranslate"), "avatarium.engine.dubbing.hearing"),
    **dict.fromkeys(("MediaFacts", "check_media"), "avatarium.engine.dubbing.media"),
    "render": "avatarium.engine.dubbing.rendering",
    "Stems": "avatarium.engine.speech.separation",
}

__all__ = [
    "CLONE",
    "Cast",
    "DubDocument",
    "Dubbed",
    "Fitted",
    "MediaFacts",
    "Segment",
    "Speaker",
    "Stems",
    "changed_segments",
    "check_media",
    "choose_voices",
    "hear",
    "render",
    "retranslate",
    "untranslated",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
