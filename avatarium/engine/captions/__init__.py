"""Captions drawn into pictures: any script, boxes and outlines, words that light up.

What draws is resolved on first use, so that whoever only checks a style loads no libraries of pictures.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from avatarium.engine.captions.style import Border, CaptionStyle

if TYPE_CHECKING:
    from avatarium.engine.captions.painter import CaptionPainter

__all__ = ["Border", "CaptionPainter", "CaptionStyle"]


def __getattr__(name: str) -> Any:
    if name != "CaptionPainter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.painter").CaptionPainter
