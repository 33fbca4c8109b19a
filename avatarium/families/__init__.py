"""One file for each kind of task. A new file with a ``FAMILY`` is a new capability, its routes included."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from avatarium.tasks.family import Family


def load_families() -> dict[str, Family[Any]]:
    """Every family there is, by name."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    families = [module.FAMILY for module in modules if hasattr(module, "FAMILY")]
    return {family.name: family for family in families}
