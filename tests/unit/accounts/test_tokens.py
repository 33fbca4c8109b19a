"""Tokens that are signed and kept nowhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.accounts.models import Credential
from avatarium.accounts.tokens import Claims, is_signed, sign, verify
from avatarium.errors import AuthError

KEY = bytes(range(32))
NOW = 1_700_000_000_000
CLAIMS = Claims(
    kind=Credential.CLIENT,
    user_id="a" * 24,
    epoch=3,
    key_id="b" * 24,
    scopes=("read",),
    origins=("https://example.com",),
    issued_ms=NOW,
    expires_ms=NOW + 60_000,
)


@pytest.mark.parametrize("kind", [Credential.CLIENT, Credential.LOGIN])
def test_what_was_signed_is_read_again(kind: Credential) -> None:
    claims = replace(CLAIMS, kind=kind)
    token = sign(claims, KEY)
    assert is_signed(token)
    assert verify(token, KEY, now_ms=NOW) == claims
    assert all(c.isalnum() or c in "-_." for c in token), "it can stand in a header and in a URL"


def test_a_login_is_not_read_as_a_client_token() -> None:
    token = sign(replace(CLAIMS, kind=Credential.LOGIN), KEY)
    with pytest.raises(AuthError):
        verify("ct" + token[2:], KEY, now_ms=NOW)


@given(st.data())
def test_a_token_changed_anywhere_is_refused(data: st.DataObject) -> None:
    token = sign(CLAIMS, KEY)
    at = data.draw(st.integers(3, len(token) - 1))
    other = data.draw(st.characters().filter(lambda c: c != token[at]))
    with pytest.raises(AuthError) as caught:
        verify(token[:at] + other + token[at + 1 :], KEY, now_ms=NOW)
    assert caught.value.code == "bad_token"


@given(st.text())
def test_nonsense_is_refused(text: str) -> None:
    for prefix in ("lt_", "ct_"):
        with pytest.raises(AuthError):
            verify(prefix + text, KEY, now_ms=NOW)


def test_another_key_does_not_open() -> None:
    with pytest.raises(AuthError):
        verify(sign(CLAIMS, bytes(32)), KEY, now_ms=NOW)


@pytest.mark.parametrize(
    ("at_ms", "good"),
    [
        (0, True),
        (59_999, True),
        (60_000, False),
        (-300_000, True),  # another machine's clock is a little slow
        (-300_001, False),  # it was made by a clock that was set back since
    ],
)
def test_a_token_has_its_time(at_ms: int, good: bool) -> None:
    token = sign(CLAIMS, KEY)
    if good:
        assert verify(token, KEY, now_ms=NOW + at_ms) == CLAIMS
    else:
        with pytest.raises(AuthError) as caught:
            verify(token, KEY, now_ms=NOW + at_ms)
        assert caught.value.code == "token_expired"


@pytest.mark.parametrize("body", [b"{}", b"[1,2]", b"nonsense", b"\xff"])
def test_a_token_that_another_release_signed_is_refused_in_words(body: bytes) -> None:
    signed = "lt_" + base64.urlsafe_b64encode(body).rstrip(b"=").decode()
    mac = base64.urlsafe_b64encode(hmac.digest(KEY, signed.encode(), hashlib.sha256)).rstrip(b"=").decode()
    with pytest.raises(AuthError, match="damaged"):
        verify(f"{signed}.{mac}", KEY, now_ms=NOW)
