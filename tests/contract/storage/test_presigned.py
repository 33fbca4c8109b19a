"""Addresses that S3 itself opens. The services check the signatures; imitations that do not are of no use here."""

from __future__ import annotations

import re

import pytest
import requests

from avatarium.clock import DAY_MS, Clock, ManualClock
from avatarium.errors import ForbiddenError, RequestError, TooLargeError
from avatarium.storage import Storage
from tests.contract.storage.conftest import PNG, StorageMaker
from tests.contract.storage.servers import S3Server

KEY = "uploads/anna/0123/portrait.png"
TIMEOUT_S = 20


@pytest.fixture
def storage(make_storage: StorageMaker, s3: S3Server) -> Storage:
    """A storage in each S3 service, with nothing of other tests in it."""
    made = make_storage(**s3.settings)
    made.delete_prefix("uploads/")
    return made


def ticket(storage: Storage, key: str = KEY, *, seconds: float = 60, media_type: str = "image/png") -> str:
    return storage.upload_url(key, owner="anna", media_type=media_type, size_bytes=len(PNG), seconds=seconds)


def put(url: str, data: bytes = PNG, media_type: str = "image/png") -> int:
    return requests.put(url, data=data, headers={"Content-Type": media_type}, timeout=TIMEOUT_S).status_code


def forged(url: str) -> str:
    """The address with another first digit of its signature."""
    return re.sub(r"(X-Amz-Signature=)(.)", lambda found: found[1] + ("1" if found[2] == "0" else "0"), url)


def test_an_upload_goes_straight_to_the_service_and_is_known_then(storage: Storage, s3: S3Server) -> None:
    url = ticket(storage)
    assert url.startswith(s3.endpoint)
    assert storage.info(KEY) is None  # nothing has come
    assert storage.used_bytes("anna") == len(PNG)  # and yet its room is taken
    assert put(url) == 200
    known = storage.info(KEY)
    assert known is not None
    assert (known.owner, known.size_bytes, known.media_type) == ("anna", len(PNG), "image/png")
    assert b"".join(storage.read(KEY)) == PNG


def test_the_public_address_opens_it_with_its_type_and_in_parts(storage: Storage) -> None:
    assert put(ticket(storage)) == 200
    url = storage.url(KEY, seconds=60)
    answer = requests.get(url, timeout=TIMEOUT_S)
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["Content-Type"] == "image/png"
    part = requests.get(url, headers={"Range": "bytes=10-19"}, timeout=TIMEOUT_S)
    assert (part.status_code, part.content) == (206, PNG[10:20])


def test_what_the_service_stores_itself_has_its_type_too(storage: Storage) -> None:
    storage.put(KEY, PNG, owner="anna", media_type="image/png", expires_ms=None)
    assert requests.get(storage.url(KEY, seconds=60), timeout=TIMEOUT_S).headers["Content-Type"] == "image/png"


def test_another_type_is_refused(storage: Storage) -> None:
    assert put(ticket(storage), media_type="text/html") == 403
    assert storage.stat(KEY) is None


@pytest.mark.parametrize("data", [PNG + b"more", PNG[:-1]])
def test_another_size_is_refused(storage: Storage, data: bytes) -> None:
    assert put(ticket(storage), data) == 403
    assert storage.stat(KEY) is None


def test_a_forged_signature_is_refused(storage: Storage) -> None:
    url = ticket(storage)
    assert put(forged(url)) == 403
    assert put(url.replace("portrait.png", "other.png")) == 403
    assert storage.stat(KEY) is None


def test_an_address_to_read_does_not_write(storage: Storage) -> None:
    assert put(storage.url(KEY, seconds=60)) == 403
    assert put(ticket(storage)) == 200
    assert requests.get(ticket(storage), timeout=TIMEOUT_S).status_code == 403


def test_an_expired_address_is_refused(make_storage: StorageMaker, s3: S3Server) -> None:
    an_hour_ago = ManualClock(Clock().now_ms() - 3600 * 1000)
    storage = make_storage(clock=an_hour_ago, **s3.settings)
    url, read = ticket(storage), storage.url(KEY, seconds=60)
    assert put(url) == 403
    assert requests.get(read, timeout=TIMEOUT_S).status_code == 403


def test_our_addresses_are_known_again(storage: Storage) -> None:
    url = storage.url(KEY, seconds=60)
    assert storage.key_of(url) == KEY
    assert storage.key_of(forged(url)) is None
    assert storage.key_of(url.replace("/anna/", "/bert/")) is None
    assert storage.key_of(url.split("?")[0]) is None
    assert storage.key_of(ticket(storage)) is None  # to write is not to read


def test_who_guesses_a_key_reads_nothing(storage: Storage) -> None:
    assert put(ticket(storage)) == 200
    bare = storage.url(KEY, seconds=60).split("?")[0]
    assert storage.readable(bare, "bert") is None
    assert storage.readable(bare, "anna") is not None
    signed = storage.readable(storage.url(KEY, seconds=60), "bert")
    assert signed is not None and signed.key == KEY
    assert requests.get(bare, timeout=TIMEOUT_S).status_code in (400, 401, 403)


def test_an_expired_address_opens_for_its_owner_only(make_storage: StorageMaker, s3: S3Server) -> None:
    clock = ManualClock(Clock().now_ms())
    storage = make_storage(clock=clock, **s3.settings)
    storage.put(KEY, PNG, owner="anna", media_type="image/png", expires_ms=None)
    url = storage.url(KEY, seconds=60)
    clock.advance(61)
    assert storage.key_of(url) == KEY
    with pytest.raises(ForbiddenError, match="over"):
        storage.readable(url, "bert")
    assert storage.readable(url, "anna") is not None


def test_what_cannot_be_bound_goes_through_the_service(storage: Storage) -> None:
    for media_type, size_bytes in ((None, 10), ("image/png", None)):
        url = storage.upload_url(KEY, owner="anna", media_type=media_type, size_bytes=size_bytes, seconds=60)
        assert url.startswith("http://127.0.0.1:8000/files/uploads/anna/")
    month_s = 30 * 24 * 3600
    assert storage.url(KEY, seconds=month_s).startswith("http://127.0.0.1:8000/files/")  # S3 signs for a week


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/javascript", "image/png\nx: y"])
def test_types_that_browsers_run_get_no_address(storage: Storage, media_type: str) -> None:
    with pytest.raises(RequestError) as refused:
        ticket(storage, media_type=media_type)
    assert refused.value.code == "upload_type"


def test_a_promise_that_is_not_kept_frees_its_room(make_storage: StorageMaker, s3: S3Server) -> None:
    clock = ManualClock(Clock().now_ms())
    storage = make_storage(clock=clock, quota_bytes=2 * len(PNG), upload_days=1, **s3.settings)
    storage.delete_prefix("uploads/")
    kept, broken = KEY, "uploads/anna/4567/never.png"
    assert put(ticket(storage, kept)) == 200
    ticket(storage, broken)
    with pytest.raises(TooLargeError):
        ticket(storage, "uploads/anna/89ab/third.png")
    clock.advance(60 + 3600 + 1)
    assert storage.expire(clock.now_ms()) == 1
    assert storage.used_bytes("anna") == len(PNG)
    assert storage.info(kept) is not None
    clock.advance(DAY_MS)
    assert storage.expire(clock.now_ms()) == 1
    assert storage.stat(kept) is None
