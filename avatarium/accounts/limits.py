"""How often somebody may come: sliding windows, counted in this process or, for several API processes, in Redis."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, StorageTypes, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from avatarium.errors import BusyError, OptionError
from avatarium.settings import Settings

_log = logging.getLogger(__name__)
_SOONEST_S = 1
_STORE_TIMEOUT_S = 1
_COMPLAIN_EVERY_S = 60
_CLEAR_UP_EVERY_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How much of a limit is left."""

    limit: int
    remaining: int
    reset_s: int
    """Seconds until there is more."""


class RateLimiter:
    """Counts what comes, by bucket. Threads may share it.

    Where the store is away (Redis does not answer within a second), everybody passes and the log says so once a minute:
    a service without limits for a while is better than none.

    Raises:
        OptionError: a limit or the store in the settings cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._known = _parsed(settings.rate_limit, "RATE_LIMIT")
        self._anonymous = _parsed(settings.rate_limit_anonymous, "RATE_LIMIT_ANONYMOUS")
        self._windows = SlidingWindowCounterRateLimiter(_store(settings.rate_limit_store))
        self.is_local = settings.rate_limit_store == "memory://"
        """Whether counting never waits for another machine, so that an event loop may do it."""
        self._complained_s = -float(_COMPLAIN_EVERY_S)

    def hit(self, bucket: str, *, anonymous: bool = False) -> Allowance | None:
        """Count a request: ``bucket`` is the key that made it or, for ``anonymous`` ones, the address.

        Tells what is left; None where the store is away.

        Raises:
            BusyError: there were too many; ``retry_after_s`` says when there is room for one again.
        """
        kind = "address" if anonymous else "key"
        return self._take(
            self._anonymous if anonymous else self._known,
            f"{kind}:{bucket}",
            message=f"Too many requests with this {kind}: {{limit}} are allowed. Try again in {{wait}} s.",
            code="rate_limited",
        )

    def take(self, bucket: str, limit: str, *, message: str, code: str) -> None:
        """Count something else under a limit of its own, such as ``10/minute``; ``{wait}`` and ``{limit}`` in the
        message are filled in.

        Raises:
            BusyError: there were too many.
        """
        self._take(parse(limit), bucket, message=message, code=code)

    def _take(self, limit: RateLimitItem, bucket: str, *, message: str, code: str) -> Allowance | None:
        try:
            passes = self._windows.hit(limit, bucket)
            stats = self._windows.get_window_stats(limit, bucket)
        except StorageError as problem:
            self._complain(problem)
            return None
        wait_s = min(max(_SOONEST_S, round(stats.reset_time - time.time() + 0.5)), limit.get_expiry())
        if not passes:
            raise BusyError(message.format(limit=limit, wait=wait_s), code=code, retry_after_s=wait_s)
        return Allowance(limit=limit.amount, remaining=max(0, stats.remaining), reset_s=wait_s)

    def _complain(self, problem: StorageError) -> None:
        now_s = time.monotonic()
        if now_s - self._complained_s >= _COMPLAIN_EVERY_S:
            self._complained_s = now_s
            _log.warning("The store of the rate limits does not answer, so nothing is limited: %s", problem)


def _parsed(text: str, name: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError as problem:
        raise OptionError(
            f"The setting AVATARIUM_{name} cannot be used: {text!r} is no limit; write it as 600/minute.",
            code="bad_setting",
        ) from problem


class _Memory(MemoryStorage):
    """Counts that are cleared up once a minute: the library's own start a thread for it at nearly every count."""

    _cleared_s = -float(_CLEAR_UP_EVERY_S)

    def _MemoryStorage__schedule_expiry(self) -> None:  # noqa: N802 - a private name of the library
        now_s = time.monotonic()
        if now_s - self._cleared_s >= _CLEAR_UP_EVERY_S:
            self._cleared_s = now_s
            super()._MemoryStorage__schedule_expiry()  # type: ignore[misc]


def _store(url: str) -> StorageTypes:
    if url == "memory://":
        return _Memory(url)
    options = {"socket_timeout": _STORE_TIMEOUT_S, "socket_connect_timeout": _STORE_TIMEOUT_S}
    try:
        return storage_from_string(url, wrap_exceptions=True, **options)
    except (ConfigurationError, ValueError) as problem:
        raise OptionError(
            f"The setting AVATARIUM_RATE_LIMIT_STORE cannot be used: {problem}. Write it as memory:// or "
            "redis://host:6379; Redis needs the Python package redis beside Avatarium.",
            code="bad_setting",
        ) from problem
