"""Text of one language into another, by what a machine without a graphics card and without a network can do.

    translate(["Good morning."], "en", "es")

Which pairs there are, how good they are and which are installed: :func:`pairs`.
"""

from __future__ import annotations

from avatarium.engine.translation.records import Pair, Quality, Translator
from avatarium.engine.translation.routes import OfflineTranslator, pairs, translate

__all__ = ["OfflineTranslator", "Pair", "Quality", "Translator", "pairs", "translate"]
