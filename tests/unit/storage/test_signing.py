"""Signed addresses open what they say, as long as they say, and nothing else."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.clock import ManualClock
from avatarium.errors import ForbiddenError, RequestError
from avatarium.storage.signing import Claims, Signer

SECRET = b"s" * 32
KEY = "uploads/anna/x/portrait.png"
KEYS = st.from_regex(r"[a-z0-9]{1,9}(/[a-z0-9._-]{1,9}){1,3}", fullmatch=True)
TYPES = st.none() | st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=30)
SIZES = st.none() | st.integers(1, 2**40)


def asked(query: str) -> dict[str, str]:
    return dict(parse_qsl(query))


def upload(signer: Signer, media_type: str | None = "image/png", size_bytes: int | None = 10) -> dict[str, str]:
    return asked(signer.upload_query(Claims(key=KEY, media_type=media_type, size_bytes=size_bytes), 60))


@given(KEYS, KEYS, st.floats(1, 1e7))
def test_a_download_opens_its_own_key_only(key: str, other: str, seconds: float) -> None:
    signer = Signer(SECRET, ManualClock())
    query = asked(signer.download_query(key, seconds))
    signer.check_download(key, query)
    assert signer.opens(other, query) is (key == other)
    assert not Signer(b"t" * 32, ManualClock()).opens(key, query)


@given(KEYS, TYPES, SIZES)
def test_an_upload_carries_its_type_and_size(key: str, media_type: str | None, size_bytes: int | None) -> None:
    signer = Signer(SECRET, ManualClock())
    claims = Claims(key=key, media_type=media_type, size_bytes=size_bytes)
    query = asked(signer.upload_query(claims, 60))
    assert signer.check_upload(key, query, media_type=media_type, size_bytes=size_bytes) == claims
    assert not signer.opens(key, query)


@given(st.sampled_from(["exp", "type", "size", "sig"]), st.text(max_size=20) | st.none())
def test_no_part_can_be_changed_or_left_out(name: str, value: str | None) -> None:
    signer = Signer(SECRET, ManualClock())
    query = upload(signer)
    changed = {**query, name: value} if value is not None else {k: v for k, v in query.items() if k != name}
    if changed == query:
        return
    with pytest.raises(ForbiddenError) as refused:
        signer.check_upload(KEY, changed, media_type="image/png", size_bytes=10)
    assert refused.value.code == "bad_signature"


def test_parts_cannot_be_moved_into_each_other() -> None:
    signer = Signer(SECRET, ManualClock())
    query = upload(signer, media_type="a\nsize=1", size_bytes=None)
    with pytest.raises(ForbiddenError):
        signer.check_upload(KEY, {**query, "type": "a", "size": "1\nsize"}, media_type="a", size_bytes=1)


def test_each_trouble_has_its_own_code() -> None:
    clock = ManualClock()
    signer = Signer(SECRET, clock)
    query = upload(signer)
    for media_type, size_bytes, code in (
        ("text/html", 10, "wrong_type"),
        (None, 10, "wrong_type"),
        ("image/png", 11, "wrong_size"),
    ):
        with pytest.raises(RequestError) as refused:
            signer.check_upload(KEY, query, media_type=media_type, size_bytes=size_bytes)
        assert refused.value.code == code
    signer.check_upload(KEY, query, media_type="Image/PNG; charset=binary", size_bytes=None)
    clock.advance(60)
    with pytest.raises(ForbiddenError) as late:
        signer.check_upload(KEY, query, media_type="image/png", size_bytes=10)
    assert late.value.code == "url_expired"


@pytest.mark.parametrize("seconds", [59.9, 60])
def test_time_ends_at_its_second(seconds: float) -> None:
    clock = ManualClock()
    signer = Signer(SECRET, clock)
    query = asked(signer.download_query(KEY, 60))
    clock.advance(seconds)
    if seconds < 60:
        signer.check_download(KEY, query)
        return
    with pytest.raises(ForbiddenError) as late:
        signer.check_download(KEY, query)
    assert late.value.code == "url_expired"
    assert signer.opens(KEY, query)  # still ours


def test_a_clock_set_back_opens_nothing_longer_than_it_says() -> None:
    clock = ManualClock()
    signer = Signer(SECRET, clock)
    query = asked(signer.download_query(KEY, 60))
    clock.advance(-3600)
    signer.check_download(KEY, query)
    clock.advance(3600 + 60)
    with pytest.raises(ForbiddenError):
        signer.check_download(KEY, query)


@pytest.mark.parametrize("query", [{}, {"sig": "\ud800"}, {"exp": "x", "sig": "é"}, {"exp": "9" * 99, "sig": ""}])
def test_nonsense_is_refused(query: dict[str, str]) -> None:
    signer = Signer(SECRET, ManualClock())
    with pytest.raises(ForbiddenError):
        signer.check_download(KEY, query)
    with pytest.raises(ForbiddenError):
        signer.check_upload(KEY, query, media_type=None, size_bytes=None)
