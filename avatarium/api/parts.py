"""What the API needs of the platform behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from avatarium.clock import Clock
from avatarium.settings import Settings


class Principal(Protocol):
    """Whoever a key belongs to."""

    @property
    def user_id(self) -> str: ...
    @property
    def key_id(self) -> str: ...
    @property
    def scopes(self) -> frozenset[str]: ...
    @property
    def origins(self) -> tuple[str, ...]: ...
    @property
    def is_admin(self) -> bool: ...


class Limiter(Protocol):
    """Counts requests; raises ``BusyError`` where there are too many."""

    def hit(self, bucket: str, *, anonymous: bool = False) -> Any: ...


class Platform(Protocol):
    """The parts of one installation, opened once for a process."""

    settings: Settings
    clock: Clock
    limiter: Limiter
    accounts: Any
    storage: Any
    fetcher: Any
    database: Any

    def ready(self) -> Mapping[str, str]:
        """What is not as it must be, by part; empty where all is well."""

    def tasks_by_state(self) -> Mapping[str, int]:
        """How many tasks are in each state."""
