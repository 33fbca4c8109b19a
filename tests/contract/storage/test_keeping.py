"""How long files are kept, changed within a transaction of whoever owns them."""

from __future__ import annotations

import pytest

from avatarium.clock import DAY_MS, Clock
from avatarium.database import Database
from avatarium.errors import RequestError
from avatarium.storage import Storage
from tests.contract.storage.conftest import StorageMaker

HERE, THERE = "results/anna/one/", "results/anna/one-more/"


@pytest.fixture
def storage(make_storage: StorageMaker, place: dict[str, str]) -> Storage:
    made = make_storage(**place)
    made.delete_prefix("results/")
    return made


def expiries(storage: Storage) -> list[int | None]:
    found = [storage.info(key) for key in (HERE + "a", HERE + "b", THERE + "a")]
    return [known.expires_ms if known else -1 for known in found]


def test_files_below_a_prefix_are_kept_for_good_or_let_go(storage: Storage) -> None:
    database: Database = storage._database
    soon_ms = Clock().now_ms() + DAY_MS
    for key in (HERE + "a", HERE + "b", THERE + "a"):
        storage.put(key, b"x", owner="anna", media_type="image/png", expires_ms=soon_ms)
    with database.write() as c:
        storage.keep_until(c, HERE, None)
    assert expiries(storage) == [None, None, soon_ms]
    with pytest.raises(RuntimeError), database.write() as c:
        storage.keep_until(c, HERE, 1)
        raise RuntimeError
    assert expiries(storage) == [None, None, soon_ms], "undone with its transaction"
    with database.write() as c:
        storage.keep_until(c, HERE, 1)
    storage.expire(Clock().now_ms())
    assert expiries(storage) == [-1, -1, soon_ms]


@pytest.mark.parametrize("prefix", ["", "/", "results/anna/one", "results/../"])
def test_what_is_no_folder_of_somebody_is_refused(storage: Storage, prefix: str) -> None:
    with pytest.raises(RequestError), storage._database.write() as c:
        storage.keep_until(c, prefix, 1)
