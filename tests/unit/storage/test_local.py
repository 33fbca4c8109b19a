"""The local disk: nothing half-done is ever seen or left."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from avatarium.clock import DAY_MS, Clock, ManualClock
from avatarium.errors import ConflictError, RequestError, TooLargeError, UnavailableError
from avatarium.settings import Settings
from avatarium.storage import Storage
from avatarium.storage.incoming import working_folder
from avatarium.storage.local import INCOMING, LocalBlobs
from avatarium.storage.signing import Claims
from tests.unit.storage import samples

KEY = "uploads/anna/x/portrait.png"


def files(settings: Settings) -> list[Path]:
    return [path for path in (settings.home / "objects").rglob("*") if path.is_file()]


def claims(size_bytes: int | None = None, media_type: str | None = None) -> Claims:
    return Claims(key=KEY, media_type=media_type, size_bytes=size_bytes)


def breaking(problem: BaseException) -> Iterator[bytes]:
    yield samples.picture()
    raise problem


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_nothing(number: int, storage: Storage, settings: Settings) -> None:
    with pytest.raises(UnavailableError) as full:
        storage.receive(KEY, breaking(OSError(number, "full")), claims())
    assert full.value.code == "storage_full"
    assert full.value.retry_after_s
    assert files(settings) == []
    assert storage.used_bytes("anna") == 0


def test_a_disk_that_is_full_at_the_last_step(
    storage: Storage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.put(KEY, b"before", owner="anna", media_type="image/png", expires_ms=7)

    def full(*_paths: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "replace", full)
    for key in (KEY, "uploads/anna/x/new"):
        with pytest.raises(UnavailableError):
            storage.put(key, b"afterwards", owner="anna", media_type="image/png", expires_ms=None)
    assert [path.read_bytes() for path in files(settings)] == [b"before"]
    known = storage.info(KEY)
    assert known is not None and (known.size_bytes, known.expires_ms) == (6, 7)
    assert storage.used_bytes("anna") == 6


def test_a_client_that_breaks_off_leaves_nothing(storage: Storage, settings: Settings) -> None:
    with pytest.raises(ConnectionResetError):
        storage.receive(KEY, breaking(ConnectionResetError()), claims())
    assert files(settings) == []
    assert storage.info(KEY) is None


@pytest.mark.parametrize(
    ("data", "wanted", "code"),
    [
        (b"", claims(), "empty_upload"),
        (samples.picture(), claims(size_bytes=10), "wrong_size"),
        (samples.picture(), claims(size_bytes=100_000), "wrong_size"),
        (b"<html>", claims(media_type="image/png"), "upload_type"),
        (b"#EXTM3U\n", claims(media_type="video/mp4"), "upload_type"),
        (bytes(500_001), claims(), "too_large"),
    ],
)
def test_what_was_not_announced_is_not_kept(
    data: bytes, wanted: Claims, code: str, storage: Storage, settings: Settings
) -> None:
    with pytest.raises((RequestError, TooLargeError)) as refused:
        storage.receive(KEY, [data[:7], data[7:]], wanted)
    assert refused.value.code == code
    assert files(settings) == []
    assert storage.used_bytes("anna") == 0


def test_an_upload_over_the_quota_stops_while_it_comes(storage: Storage, settings: Settings) -> None:
    storage.put("uploads/anna/y/big", bytes(900_000), owner="anna", media_type="video/mp4", expires_ms=None)
    asked = 0

    def body() -> Iterator[bytes]:
        nonlocal asked
        for _ in range(400):
            asked += 1
            yield bytes(1000)

    with pytest.raises(TooLargeError) as refused:
        storage.receive(KEY, body(), claims())
    assert refused.value.code == "quota"
    assert asked == 101
    assert len(files(settings)) == 1


def test_html_never_gets_a_type_that_a_browser_runs(storage: Storage) -> None:
    stored = storage.receive(KEY, [b"<html><script>alert(1)</script>"], claims())
    assert stored.media_type == "application/octet-stream"


def test_a_folder_where_a_file_is(storage: Storage, settings: Settings) -> None:
    storage.put("uploads/anna/x", b"file", owner="anna", media_type="image/png", expires_ms=None)
    with pytest.raises(ConflictError):
        storage.put(KEY, b"below it", owner="anna", media_type="image/png", expires_ms=None)
    assert storage.stat(KEY) is None
    assert len(files(settings)) == 1


def test_empty_folders_go_with_their_last_file(storage: Storage, settings: Settings) -> None:
    storage.put(KEY, b"bytes", owner="anna", media_type="image/png", expires_ms=None)
    storage.delete(KEY)
    assert [path.name for path in (settings.home / "objects").iterdir()] == [INCOMING]


def test_readers_see_old_or_new_and_never_a_mixture(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path)
    versions = [bytes([number]) * 300_000 for number in (1, 2)]

    def write() -> None:
        for _ in range(40):
            for version in versions:
                with blobs.stage("a/b", [version]) as staged:
                    staged.publish("video/mp4")

    write_thread = threading.Thread(target=write)
    write_thread.start()
    seen: set[bytes] = set()
    while write_thread.is_alive():
        if blobs.stat("a/b"):
            seen.add(b"".join(blobs.read("a/b", 0, 300_000)))
    write_thread.join()
    assert seen <= set(versions)


def test_what_a_dead_process_left_is_swept(storage: Storage, settings: Settings, clock: ManualClock) -> None:
    part = settings.home / "objects" / INCOMING / "dead.part"
    part.write_bytes(b"half")
    now_ms = Clock().now_ms()
    storage.expire(now_ms)
    assert part.exists()
    storage.expire(now_ms + 2 * DAY_MS)
    assert not part.exists()


def test_what_a_dead_process_left_in_incoming_was_kept_for_ever(storage: Storage, settings: Settings) -> None:
    now_ms = Clock().now_ms()
    storage.expire(now_ms)  # nothing has come yet
    with working_folder(settings.home) as used:
        left = used.with_name("left")
        left.mkdir()
        (left / "got").write_bytes(b"half")
        storage.expire(now_ms)
        assert left.exists() and used.exists()
        day_ago_s = now_ms / 1000 - 25 * 3600
        os.utime(left, (day_ago_s, day_ago_s))
        storage.expire(now_ms)
        assert not left.exists() and used.exists()


def test_a_process_that_died_between_record_and_bytes(
    storage: Storage, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record stays awaited; the sweep frees its room, unless the bytes came after all."""

    class Killed(BaseException):
        pass

    def killed(*_words: object) -> None:
        raise Killed

    real = os.replace
    monkeypatch.setattr(os, "replace", killed)
    monkeypatch.setattr(Storage, "_undo", lambda *_words: None)
    with pytest.raises(Killed):
        storage.put(KEY, b"bytes", owner="anna", media_type="image/png", expires_ms=None)
    monkeypatch.setattr(os, "replace", real)
    assert storage.info(KEY) is None
    assert storage.used_bytes("anna") == 5
    assert storage.expire(clock.now_ms() + DAY_MS) == 1
    assert storage.used_bytes("anna") == 0
