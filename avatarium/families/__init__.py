"""One file for each kind of task. A new file with a ``FAMILY`` is a new capability, its routes included."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from avatarium.errors import OptionError
from avatarium.tasks.family import Family


def load_families(plugins: Sequence[str] = ()) -> dict[str, Family[Any]]:
    """Every family there is, by name: those in this room, and those of other installed modules.

    Raises:
        OptionError: a plug-in cannot be imported.
    """
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    modules += [_plugin(name) for name in plugins]
    families = [module.FAMILY for module in modules if hasattr(module, "FAMILY")]
    return {family.name: family for family in families}


def _plugin(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise OptionError(
            f"The plug-in {name} cannot be imported ({problem}). Install it, or take it out of AVATARIUM_PLUGINS.",
            code="bad_plugin",
        ) from problem
