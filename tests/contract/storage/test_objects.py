"""What holds of objects wherever they lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatarium.clock import DAY_MS, Clock
from avatarium.errors import ConflictError, NotFoundError, TooLargeError, UnavailableError
from avatarium.storage import SYSTEM_OWNER, Storage
from avatarium.storage.signing import Claims
from tests.contract.storage.conftest import PNG, StorageMaker

KEY = "results/anna/task/clip.mp4"
LONG = bytes(range(256)) * 40_000
"""10 MB: more than one block of any place."""


@pytest.fixture
def storage(make_storage: StorageMaker, place: dict[str, str]) -> Storage:
    """The storage under test, with nothing of other tests in it."""
    made = make_storage(**place, quota_bytes=20_000_000)
    for prefix in ("results/", "uploads/"):
        made.delete_prefix(prefix)
    return made


def put(storage: Storage, key: str, data: bytes | Path, owner: str = "anna", expires_ms: int | None = None) -> None:
    storage.put(key, data, owner=owner, media_type="video/mp4", expires_ms=expires_ms, duration_s=1.5, task_id="task")


def whole(storage: Storage, key: str) -> bytes:
    return b"".join(storage.read(key))


def test_what_was_put_comes_back_with_its_facts(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(LONG)
    put(storage, KEY, source)
    assert whole(storage, KEY) == LONG
    known = storage.info(KEY)
    assert known is not None
    assert (known.owner, known.size_bytes, known.media_type) == ("anna", len(LONG), "video/mp4")
    assert (known.duration_s, known.task_id, known.expires_ms) == (1.5, "task", None)
    stat = storage.stat(KEY)
    assert stat is not None
    assert stat.size_bytes == len(LONG)
    assert stat.etag
    storage.copy_to(KEY, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == LONG


def test_an_empty_object_is_an_object(storage: Storage) -> None:
    put(storage, KEY, b"")
    assert whole(storage, KEY) == b""


@pytest.mark.parametrize(("start", "end"), [(0, 1), (5, 5), (1000, 9_000_001), (len(LONG) - 1, len(LONG))])
def test_ranges(storage: Storage, start: int, end: int) -> None:
    put(storage, KEY, LONG)
    assert b"".join(storage.read_range(KEY, start, end)) == LONG[start:end]


def test_putting_again_replaces(storage: Storage) -> None:
    put(storage, KEY, b"old and long")
    before = storage.stat(KEY)
    put(storage, KEY, b"new")
    assert whole(storage, KEY) == b"new"
    assert storage.used_bytes("anna") == 3
    after = storage.stat(KEY)
    assert before is not None and after is not None
    assert before.etag != after.etag


def test_a_key_belongs_to_who_put_it_first(storage: Storage) -> None:
    put(storage, KEY, b"hers")
    with pytest.raises(ConflictError, match="somebody else") as refused:
        put(storage, KEY, b"his", owner="bert")
    assert refused.value.code == "key_taken"
    assert whole(storage, KEY) == b"hers"
    assert storage.used_bytes("bert") == 0


def test_what_is_deleted_is_gone(storage: Storage) -> None:
    put(storage, KEY, b"bytes")
    storage.delete(KEY)
    storage.delete(KEY)
    assert storage.info(KEY) is None
    assert storage.stat(KEY) is None
    assert storage.used_bytes("anna") == 0
    with pytest.raises(NotFoundError):
        storage.read(KEY)


def test_a_prefix_takes_nothing_else_along(storage: Storage) -> None:
    kept = ["results/anna/task2/a", "results/anna/tas/a", "results/Anna/task/a"]
    for key in ["results/anna/task/a", "results/anna/task/deep/b", *kept]:
        put(storage, key, b"bytes")
    storage.delete_prefix("results/anna/task/")
    assert storage.info("results/anna/task/a") is None
    assert storage.stat("results/anna/task/deep/b") is None
    assert [whole(storage, key) for key in kept] == [b"bytes"] * 3


def test_a_quota_counts_what_is_there(storage: Storage) -> None:
    put(storage, "results/anna/1", LONG[:9_000_000])
    put(storage, "results/anna/2", LONG[:9_000_000])
    with pytest.raises(TooLargeError, match="yours") as refused:
        put(storage, "results/anna/3", LONG[:9_000_000])
    assert refused.value.code == "quota"
    assert storage.stat("results/anna/3") is None
    put(storage, "results/bert/3", LONG[:9_000_000], owner="bert")
    put(storage, "results/anna/2", LONG)  # in place of the old one it fits
    storage.delete("results/anna/1")
    put(storage, "results/anna/3", LONG[:9_000_000])


def test_what_belongs_to_the_installation_has_no_quota(storage: Storage) -> None:
    for number in range(3):
        put(storage, f"results/system/{number}", LONG, owner=SYSTEM_OWNER)


def test_an_upload_is_received_with_the_type_that_its_bytes_show(storage: Storage) -> None:
    key = "uploads/anna/x/portrait.bin"
    claims = Claims(key=key, media_type=None, size_bytes=len(PNG))
    stored = storage.receive(key, iter([PNG[:5], PNG[5:]]), claims)
    assert (stored.media_type, stored.size_bytes, stored.owner) == ("image/png", len(PNG), "anna")
    assert whole(storage, key) == PNG
    assert storage.info(key) == stored


def test_only_what_is_expired_goes(storage: Storage) -> None:
    now = Clock().now_ms()
    put(storage, "results/anna/old", b"bytes", expires_ms=now)
    put(storage, "results/anna/new", b"bytes", expires_ms=now + 1)
    put(storage, "results/anna/ever", b"bytes")
    assert storage.expire(now) == 1
    assert storage.stat("results/anna/old") is None
    assert storage.info("results/anna/old") is None
    assert whole(storage, "results/anna/new") == whole(storage, "results/anna/ever") == b"bytes"
    assert storage.expire(now) == 0


def test_more_than_one_batch_expires(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avatarium.storage.service.EXPIRE_BATCH", 2)
    for number in range(5):
        put(storage, f"results/anna/{number}", b"bytes", expires_ms=number)
    assert storage.expire(DAY_MS) == 5
    assert storage.used_bytes("anna") == 0


def test_a_service_that_is_away_says_so(make_storage: StorageMaker) -> None:
    storage = make_storage(
        storage_url="s3://bucket", s3_endpoint="http://127.0.0.1:9", s3_access_key_id="a", s3_secret_access_key="b"
    )
    with pytest.raises(UnavailableError) as away:
        storage.put(KEY, b"bytes", owner="anna", media_type="video/mp4", expires_ms=None)
    assert away.value.code == "storage_away"
    assert storage.used_bytes("anna") == 0
