"""Names of objects can name nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.errors import RequestError
from avatarium.storage import Storage
from avatarium.storage.keys import checked_key, checked_prefix, clean_name, is_key
from avatarium.storage.models import KEY_MAX

ROOT = Path("/srv/objects")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../secret",
        "a/../b",
        "a/..",
        "./a",
        "a//b",
        "a/",
        "a\\b",
        "a\0b",
        "a\n",
        ".incoming/x",
        "a/.hidden",
        "a b",
        "a%2e%2e/b",
        "C:/x",
        "ä",
        "a" * (KEY_MAX + 1),
        "/".join(["a"] * 40),
    ],
)
def test_what_is_no_key(key: str, storage: Storage) -> None:
    assert not is_key(key)
    with pytest.raises(RequestError) as refused:
        storage.put(key, b"x", owner="anna", media_type="image/png", expires_ms=None)
    assert refused.value.code == "bad_key"
    assert storage.info(key) is None
    for call in (storage.stat, storage.read, storage.delete):
        with pytest.raises(RequestError):
            call(key)


@given(st.text())
def test_every_key_stays_below_the_root(text: str) -> None:
    if is_key(text):
        assert (ROOT / text).resolve() == ROOT / text
        assert (ROOT / text).is_relative_to(ROOT)


@given(st.text(max_size=3000))
def test_every_wish_becomes_a_key(wish: str) -> None:
    key = checked_key(f"uploads/64f0c0ffee0000000000ab01/0123456789abcdef01234567/{clean_name(wish)[:400].rstrip('/')}")
    assert key.startswith("uploads/")


@given(st.lists(st.sampled_from(["..", ".", "", "a", "~", "b.png", "\\", "/", "%2e", "\u2025", "\uff0e\uff0e"])))
def test_no_wish_climbs(parts: list[str]) -> None:
    assert is_key(clean_name("/".join(parts)))


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ("portrait.jpg", "portrait.jpg"),
        ("my folder/my portrait (1).JPG", "my-folder/my-portrait-1-.JPG"),
        ("Élodie.png", "Elodie.png"),
        ("фото.png", "png"),
        ("../../etc/passwd", "etc/passwd"),
        ("a" * 300 + ".mp4", "a" * 116 + ".mp4"),
        ("...", "file"),
    ],
)
def test_wishes(wish: str, name: str) -> None:
    assert clean_name(wish) == name


@pytest.mark.parametrize("prefix", ["", "/", "a", "../", "a/../", "results/anna/task", ".incoming/"])
def test_what_is_no_prefix(prefix: str) -> None:
    with pytest.raises(RequestError):
        checked_prefix(prefix)
