"""Pictures: reading them, cutting people out, filling in what is hidden, and grounds to stand before.

Names are resolved on first use, so that whoever only asks for the list of backgrounds loads no library of pictures.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avatarium.engine.picture.grounds import Background, find_background
    from avatarium.engine.picture.read import Alpha, Picture, Rgb, lay_over, read_picture
    from avatarium.engine.picture.sniff import PictureFormat

_HOMES = {
    **dict.fromkeys(("Background", "find_background"), "grounds"),
    **dict.fromkeys(("Alpha", "Picture", "Rgb", "lay_over", "read_picture"), "read"),
    "PictureFormat": "sniff",
}

__all__ = [
    "Alpha",
    "Background",
    "Picture",
    "PictureFormat",
    "Rgb",
    "find_background",
    "lay_over",
    "read_picture",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
