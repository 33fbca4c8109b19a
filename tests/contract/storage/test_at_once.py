"""Two that store under one key at once: what is recorded is what lies there, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from avatarium.clock import Clock
from avatarium.database import Database
from avatarium.errors import ConflictError, TooLargeError, UnavailableError
from avatarium.settings import load_settings
from avatarium.storage import Storage
from avatarium.storage.local import _Part
from avatarium.storage.signing import Claims

KEY = "uploads/anna/x/clip"
ANY = Claims(key=KEY, media_type=None, size_bytes=None)
LARGE, SMALL = bytes(9000), b"small"
QUOTA = 10_000


@pytest.fixture
def storage(database: Database, tmp_path: Path) -> Storage:
    """An empty storage with little room."""
    return Storage.open(load_settings(home=tmp_path, quota_bytes=QUOTA), database, Clock())


def put(storage: Storage, data: bytes) -> None:
    storage.put(KEY, data, owner="anna", media_type="video/mp4", expires_ms=None)


def lies_there(storage: Storage) -> bytes:
    """The bytes, whose size must be the one that is recorded and counted."""
    data = b"".join(storage.read(KEY))
    known = storage.info(KEY)
    assert known is not None and known.size_bytes == len(data) == storage.used_bytes("anna")
    return data


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets something happen when the next bytes are about to be put into their place."""

    def arrange(happens: Callable[[], Any]) -> None:
        real = _Part.publish

        def publish(part: _Part, media_type: str) -> None:
            monkeypatch.setattr(_Part, "publish", real)
            happens()
            real(part, media_type)

        monkeypatch.setattr(_Part, "publish", publish)

    return arrange


def refused(storage: Storage, data: bytes) -> None:
    with pytest.raises(ConflictError) as second:
        storage.receive(KEY, [data], ANY)
    assert second.value.code == "already_uploaded"


def test_a_second_put_wrote_its_size_over_the_bytes_of_the_first(
    storage: Storage, meanwhile: Callable[..., None]
) -> None:
    meanwhile(lambda: refused(storage, SMALL))
    storage.receive(KEY, [LARGE], ANY)
    assert lies_there(storage) == LARGE
    with pytest.raises(TooLargeError):
        storage.put("uploads/anna/y/more", LARGE, owner="anna", media_type="video/mp4", expires_ms=None)


def test_a_put_that_was_overtaken_while_it_came_replaced_the_other(storage: Storage) -> None:
    def body() -> Iterator[bytes]:
        yield LARGE[:100]
        storage.receive(KEY, [SMALL], ANY)
        yield LARGE[100:]

    with pytest.raises(ConflictError) as late:
        storage.receive(KEY, body(), ANY)
    assert late.value.code == "already_uploaded"
    assert lies_there(storage) == SMALL


def test_many_puts_of_one_ticket_at_once_leave_one_file(storage: Storage) -> None:
    files = [bytes([number]) * (1000 + 100 * number) for number in range(8)]

    def receive(data: bytes) -> bool:
        try:
            storage.receive(KEY, [data], ANY)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(len(files)) as pool:
        taken = [data for data, kept in zip(files, pool.map(receive, files), strict=True) if kept]
    assert taken == [lies_there(storage)]


def test_a_ticket_took_another_file_after_the_first(storage: Storage) -> None:
    storage.receive(KEY, [SMALL], ANY)
    for other in (LARGE, b"smell", b"smal", b""):
        refused(storage, other)
    assert lies_there(storage) == SMALL


def test_the_same_put_may_come_again(storage: Storage) -> None:
    """The answer to the first may have been lost."""
    first = storage.receive(KEY, [LARGE], ANY)
    again = storage.receive(KEY, [LARGE[:5], LARGE[5:]], ANY)
    assert again == first
    assert lies_there(storage) == LARGE


def test_what_fails_removed_the_record_of_another(storage: Storage, meanwhile: Callable[..., None]) -> None:
    def other_then_full() -> None:
        put(storage, SMALL)
        raise UnavailableError("full", code="storage_full")

    meanwhile(other_then_full)
    with pytest.raises(UnavailableError):
        put(storage, LARGE)
    assert lies_there(storage) == SMALL


def test_what_fails_behind_another_leaves_it_whole(storage: Storage, meanwhile: Callable[..., None]) -> None:
    def fail() -> None:
        def full() -> None:
            raise UnavailableError("full", code="storage_full")

        meanwhile(full)
        with pytest.raises(UnavailableError):
            put(storage, SMALL)

    meanwhile(fail)
    put(storage, LARGE)
    assert lies_there(storage) == LARGE
    known = storage.info(KEY)
    assert known is not None and known.expires_ms is None


def test_two_that_replace_one_another_record_what_lies_there(storage: Storage, meanwhile: Callable[..., None]) -> None:
    meanwhile(lambda: put(storage, SMALL))
    put(storage, LARGE)
    assert lies_there(storage) == LARGE


def test_what_is_deleted_while_it_is_stored_left_bytes_that_nobody_knew(
    storage: Storage, tmp_path: Path, meanwhile: Callable[..., None]
) -> None:
    meanwhile(lambda: storage.delete(KEY))
    put(storage, LARGE)
    assert storage.info(KEY) is None
    assert [path for path in (tmp_path / "objects").rglob("*") if path.is_file()] == []
