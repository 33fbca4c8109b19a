"""How one person speaks: fitted to a clip of somebody talking, kept as a small record, applied to the mouth's curves.

    fitting = fit_style(measures, speech)
    life = Life(style=fitting.style)

Head and brows are no part of it: a twin moves them as the person did, because its frames are the person's own.
Names are resolved on first use: the curves themselves read the record.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avatarium.engine.face.style.error import landmark_error
    from avatarium.engine.face.style.fitting import Fitting, fit_style
    from avatarium.engine.face.style.record import GENERAL, SpeakingStyle

_HOMES = {
    "landmark_error": "error",
    **dict.fromkeys(("Fitting", "fit_style"), "fitting"),
    **dict.fromkeys(("GENERAL", "SpeakingStyle"), "record"),
}

__all__ = ["GENERAL", "Fitting", "SpeakingStyle", "fit_style", "landmark_error"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
