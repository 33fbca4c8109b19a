"""Backgrounds out of strangers' URLs."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avatarium.catalogue import service
from avatarium.catalogue.bringing import bring_background
from avatarium.catalogue.models import Background
from avatarium.errors import ConflictError, RequestError, TooLargeError
from tests.contract.catalogue.conftest import Shop

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The rows are tried on both databases elsewhere; here a process is started for each picture."""

Web = tuple[Path, str]
GPS_IFD = 0x8825


def bring(shop: Shop, url: str, *, name: str = "") -> Background:
    return bring_background(
        shop.ada,
        url,
        name=name,
        settings=shop.settings,
        fetcher=shop.fetcher,
        storage=shop.storage,
        catalogue=shop.catalogue,
    )


def photo(size: tuple[int, int] = (320, 200), *, kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif.get_ifd(GPS_IFD)[1] = "N"
    Image.new("RGB", size, (200, 120, 40)).save(out, kind, exif=exif)
    return out.getvalue()


def left_over(shop: Shop) -> list[Path]:
    return [path for folder in ("incoming", "objects/catalogue") for path in (shop.settings.home / folder).rglob("*.*")]


def test_a_picture_is_written_anew_and_kept(shop: Shop, web: Web) -> None:
    (web[0] / "place.jpg").write_bytes(photo())
    assert b"Exif" in photo()
    made = bring(shop, f"http://{web[1]}/place.jpg", name="Here")
    assert (made.owner, made.name, made.type) == (shop.ada, "Here", "custom")
    stored = shop.storage.info(made.key)
    assert stored is not None
    assert (stored.owner, stored.expires_ms, stored.media_type) == (shop.ada, None, "image/jpeg")
    assert shop.storage.used_bytes(shop.ada) == stored.size_bytes
    data = b"".join(shop.storage.read(made.key))
    assert b"Exif" not in data
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (320, 200)
        assert np.abs(np.asarray(image, int) - (200, 120, 40)).max() < 6
    assert not list((shop.settings.home / "incoming").iterdir())


def test_a_picture_of_our_own_storage_needs_no_network(shop: Shop) -> None:
    shop.storage.put("uploads/a/b.png", photo(kind="PNG"), owner=shop.ada, media_type="image/png", expires_ms=None)
    made = bring(shop, shop.storage.url("uploads/a/b.png", seconds=60))
    assert made.key.endswith(".png") and made.key.startswith(f"catalogue/{shop.ada}/")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<html><body>no picture</body></html>", "wrong_kind"),
        (b"", "url_empty"),
        (photo()[:300], "picture_unreadable"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "wrong_kind"),
    ],
)
def test_what_is_no_picture_is_refused_and_leaves_nothing(shop: Shop, web: Web, content: bytes, code: str) -> None:
    (web[0] / "a.jpg").write_bytes(content)
    with pytest.raises(RequestError) as caught:
        bring(shop, f"http://{web[1]}/a.jpg")
    assert caught.value.code == code
    assert left_over(shop) == []
    assert shop.catalogue.backgrounds(shop.ada, own_only=True) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/a.jpg", "http://169.254.169.254/latest", "http://[::1]/a.jpg"])
def test_private_addresses_are_refused(shop: Shop, url: str) -> None:
    with pytest.raises(RequestError) as caught:
        bring(shop, url)
    assert caught.value.code == "url_private"


def test_a_full_quota_leaves_nothing(shop: Shop, web: Web) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (700, 700, 3), np.uint8)
    Image.fromarray(noise).save(web[0] / "noise.png")
    with pytest.raises(TooLargeError) as caught:
        bring(shop, f"http://{web[1]}/noise.png")
    assert caught.value.code == "quota"
    assert left_over(shop) == []
    assert shop.storage.used_bytes(shop.ada) == 0


def test_one_too_many_leaves_no_file(shop: Shop, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "BACKGROUNDS_MAX", 0)
    (web[0] / "a.jpg").write_bytes(photo())
    with pytest.raises(ConflictError):
        bring(shop, f"http://{web[1]}/a.jpg")
    assert left_over(shop) == []
    assert shop.storage.used_bytes(shop.ada) == 0
