"""Objects of users: on the local disk or in S3, behind signed addresses; and the files that users' URLs lead to.

Its names are looked up when they are first used: the children that open strangers' media start without a database.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avatarium.storage.fetch import Fetched, Fetcher
    from avatarium.storage.models import SYSTEM_OWNER, StoredObject
    from avatarium.storage.service import Storage
    from avatarium.storage.sniff import Kind

__all__ = ["SYSTEM_OWNER", "Fetched", "Fetcher", "Kind", "Storage", "StoredObject"]

_HOMES = {
    "Fetched": "fetch",
    "Fetcher": "fetch",
    "SYSTEM_OWNER": "models",
    "StoredObject": "models",
    "Storage": "service",
    "Kind": "sniff",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
