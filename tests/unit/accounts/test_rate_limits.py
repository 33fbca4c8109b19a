"""How often somebody may come."""

from __future__ import annotations

import importlib.util
import itertools
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from limits.errors import StorageError
from limits.storage.memory import MemoryStorage

from avatarium.accounts.limits import RateLimiter
from avatarium.errors import BusyError, OptionError
from avatarium.settings import Settings, load_settings
from tests.support.windows import still_window


class AwayStorage(MemoryStorage):
    """A store that does not answer, as Redis when it is away."""

    STORAGE_SCHEME = ["away"]
    asked = 0

    def acquire_sliding_window_entry(self, *_: object, **__: object) -> bool:
        type(self).asked += 1
        raise StorageError(ConnectionError("no route to the store"))


@pytest.fixture
def now() -> Iterator[list[float]]:
    with still_window() as at:
        yield at


def _settings(tmp_path: Path, **values: object) -> Settings:
    return load_settings(home=tmp_path, **values)


def _passes(limiter: RateLimiter, bucket: str, *, anonymous: bool = False) -> bool:
    try:
        limiter.hit(bucket, anonymous=anonymous)
    except BusyError:
        return False
    return True


def test_too_many_are_refused_and_told_when_to_come_again(tmp_path: Path, now: list[float]) -> None:
    limiter = RateLimiter(_settings(tmp_path, rate_limit="3/minute"))
    assert [_passes(limiter, "key") for _ in range(4)] == [True, True, True, False]
    with pytest.raises(BusyError, match=r"with this key: 3 per 1 minute are allowed\. Try again in \d+ s\.") as caught:
        limiter.hit("key")
    assert (caught.value.status, caught.value.code) == (429, "rate_limited")
    wait_s = caught.value.retry_after_s
    assert wait_s is not None and 1 <= wait_s <= 60


@pytest.mark.parametrize("limit", ["1/second", "3/minute", "600/minute", "10/5 minutes", "60/hour"])
@pytest.mark.parametrize("after_s", [0.0, 0.4, 17.3, 59.9])
def test_who_waits_as_told_comes_in(tmp_path: Path, now: list[float], limit: str, after_s: float) -> None:
    limiter = RateLimiter(_settings(tmp_path, rate_limit=limit))
    now[0] += after_s
    while _passes(limiter, "key"):
        pass
    for waits in itertools.count(1):
        try:
            limiter.hit("key")
            break
        except BusyError as refusal:
            assert refusal.retry_after_s is not None and refusal.retry_after_s >= 1
            now[0] += refusal.retry_after_s
        assert waits < 4


def test_keys_and_addresses_are_counted_apart(tmp_path: Path, now: list[float]) -> None:
    limiter = RateLimiter(_settings(tmp_path, rate_limit="2/minute", rate_limit_anonymous="1/minute"))
    assert [_passes(limiter, "a") for _ in range(3)] == [True, True, False]
    assert [_passes(limiter, "b") for _ in range(3)] == [True, True, False]
    assert [_passes(limiter, "a", anonymous=True) for _ in range(2)] == [True, False]


def test_the_window_slides(tmp_path: Path, now: list[float]) -> None:
    """A fixed window would let twice the limit pass within two seconds at its edge."""
    limiter = RateLimiter(_settings(tmp_path, rate_limit="60/minute"))
    now[0] += 59
    assert sum(_passes(limiter, "key") for _ in range(60)) == 60
    now[0] += 2
    assert sum(_passes(limiter, "key") for _ in range(60)) <= 2
    now[0] += 119
    assert sum(_passes(limiter, "key") for _ in range(61)) == 60


@pytest.mark.parametrize("jump_s", [-86_400.0, 86_400.0])
def test_a_clock_that_jumps_shuts_nobody_out(tmp_path: Path, now: list[float], jump_s: float) -> None:
    limiter = RateLimiter(_settings(tmp_path, rate_limit="3/minute"))
    while _passes(limiter, "key"):
        pass
    now[0] += jump_s
    assert _passes(limiter, "key")


def test_threads_together_get_no_more_than_one_would(tmp_path: Path, now: list[float]) -> None:
    limiter = RateLimiter(_settings(tmp_path, rate_limit="50/minute"))
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: _passes(limiter, "key"), range(400))) <= 50


def test_everybody_passes_while_the_store_is_away_and_the_log_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = RateLimiter(_settings(tmp_path, rate_limit="1/minute", rate_limit_store="away://"))
    with caplog.at_level(logging.WARNING):
        assert all(_passes(limiter, "key") for _ in range(5))
    assert AwayStorage.asked == 5
    assert [r.message for r in caplog.records if "nothing is limited" in r.message] == [caplog.records[0].message]


@pytest.mark.parametrize("name", ["rate_limit", "rate_limit_anonymous"])
@pytest.mark.parametrize("text", ["", "often", "10", "10/fortnight"])
def test_a_limit_that_is_none_is_refused_at_the_start(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(OptionError, match=f"AVATARIUM_{name.upper()} cannot be used"):
        RateLimiter(_settings(tmp_path, **{name: text}))


@pytest.mark.parametrize("url", ["nowhere://x", "nonsense", ""])
def test_a_store_that_does_not_exist_is_refused_at_the_start(tmp_path: Path, url: str) -> None:
    with pytest.raises(OptionError, match="AVATARIUM_RATE_LIMIT_STORE cannot be used"):
        RateLimiter(_settings(tmp_path, rate_limit_store=url))


def test_redis_without_its_package_is_refused_in_words(tmp_path: Path) -> None:
    if importlib.util.find_spec("redis"):
        RateLimiter(_settings(tmp_path, rate_limit_store="redis://127.0.0.1:1"))
    else:
        with pytest.raises(OptionError, match="needs the Python package redis"):
            RateLimiter(_settings(tmp_path, rate_limit_store="redis://127.0.0.1:1"))


def test_counting_starts_no_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's store started one at nearly every count, which cost more than the count itself."""
    limiter = RateLimiter(Settings(home=tmp_path))
    limiter.hit("ann")
    started: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", started.append)
    for _ in range(20):
        limiter.hit("ann")
    assert not started
