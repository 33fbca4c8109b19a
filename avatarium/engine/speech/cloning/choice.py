"""Which way of cloning is used: the built-in one, or a plug-in that is installed beside the engine."""

from __future__ import annotations

from importlib.metadata import entry_points

from avatarium.engine.speech.cloning.records import VoiceCloner
from avatarium.errors import OptionError

GROUP = "avatarium.voice_cloners"
BUILT_IN = "kokoro-table"


def cloner(name: str = BUILT_IN) -> VoiceCloner:
    """A cloner by its name.

    Raises:
        OptionError: ``unknown_cloner``: it is not installed, or cannot be loaded.
    """
    if name == BUILT_IN:
        from avatarium.engine.speech.cloning.making import TableCloner

        return TableCloner()
    found = {point.name: point for point in entry_points(group=GROUP)}
    try:
        made: VoiceCloner = found[name].load()()
    except KeyError:
        known = ", ".join([BUILT_IN, *sorted(found)])
        raise OptionError(f'There is no voice cloner "{name}"; choose one of {known}.', code="unknown_cloner") from None
    except (ImportError, AttributeError) as problem:
        raise OptionError(
            f'The voice cloner "{name}" cannot be loaded ({problem}). Install it again.', code="unknown_cloner"
        ) from problem
    return made
