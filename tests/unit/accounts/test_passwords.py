"""Passwords as they are kept."""

from __future__ import annotations

import pytest

from avatarium.accounts import passwords
from avatarium.accounts.passwords import hash_password, is_password
from avatarium.errors import BusyError

# RFC 7914, section 12: scrypt("pleaseletmein", "SodiumChloride", N=16384, r=8, p=1), its first 32 bytes.
RFC = "scrypt$14$8$1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI="


def test_a_password_is_known_again() -> None:
    kept = hash_password("correct horse")
    assert kept.startswith("scrypt$15$8$3$")
    assert is_password("correct horse", kept)
    assert not is_password("Correct horse", kept)


def test_the_parameters_are_those_that_were_kept() -> None:
    """The vector of the RFC has others than ours: what is kept stays good when ours change."""
    assert is_password("pleaseletmein", RFC)
    assert not is_password("pleaseletmeIn", RFC)


def test_the_same_password_is_kept_differently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "LOG2_N", 8)
    assert hash_password("correct horse") != hash_password("correct horse")


def test_nobody_has_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_NOBODYS", passwords._NOBODYS.replace("$15$", "$8$"))
    assert not is_password("", None)
    assert not is_password("correct horse", None)


def test_hashing_takes_as_long_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one could tell by the clock which names exist."""
    asked: list[tuple[int, int, int]] = []

    def note(_password: str, _salt: bytes, log2_n: int, r: int, p: int) -> bytes:
        asked.append((log2_n, r, p))
        return b""

    monkeypatch.setattr(passwords, "_scrypt", note)
    is_password("correct horse", None)
    is_password("correct horse", hash_password("correct horse"))
    assert len(asked) == 3 and len(set(asked)) == 1


def test_a_flood_of_logins_does_not_take_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_WAIT_S", 0.01)
    for _ in range(2):
        assert passwords._AT_ONCE.acquire(timeout=1)
    try:
        with pytest.raises(BusyError):
            hash_password("correct horse")
    finally:
        for _ in range(2):
            passwords._AT_ONCE.release()
