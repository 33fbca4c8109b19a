"""Avatars and backgrounds: everybody sees what ships and what is theirs, newest first, and nothing else."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from avatarium.catalogue import service
from avatarium.catalogue.install import install
from avatarium.catalogue.models import Avatar
from avatarium.catalogue.shipped import shipped_avatars, shipped_backgrounds, shipped_files
from avatarium.errors import ConflictError, ForbiddenError, NotFoundError
from avatarium.ids import new_id
from avatarium.storage.models import SYSTEM_OWNER
from tests.contract.catalogue.conftest import Shop


def add_avatar(shop: Shop, owner: str, name: str, *, twin_id: str = "") -> Avatar:
    shop.clock.advance(1)
    avatar = Avatar(
        id=new_id(),
        owner=owner,
        name=name,
        gender="female",
        picture_key=f"catalogue/{owner}/avatars/{name}.jpg",
        twin_id=twin_id,
        created_ms=shop.clock.now_ms(),
    )
    with shop.database.write() as c:
        shop.catalogue.add_avatar(c, avatar)
    return avatar


def test_own_avatars_come_first_and_the_newest_of_them_before_the_others(shop: Shop) -> None:
    first, second = add_avatar(shop, shop.ada, "first"), add_avatar(shop, shop.ada, "second")
    assert shop.catalogue.avatars(shop.ada) == [second, first, *shipped_avatars()]
    assert shop.catalogue.avatars(shop.ada, kind="custom") == [second, first]
    assert shop.catalogue.avatars(shop.ada, kind="default") == list(shipped_avatars())
    assert [avatar.type for avatar in shop.catalogue.avatars(shop.ada)] == ["custom"] * 2 + ["default"] * 2


def test_the_avatar_of_one_training(shop: Shop) -> None:
    twin = new_id()
    made = add_avatar(shop, shop.ada, "twin", twin_id=twin)
    add_avatar(shop, shop.ada, "other")
    assert shop.catalogue.avatars(shop.ada, twin_id=twin) == [made]
    assert shop.catalogue.avatars(shop.ada, twin_id=new_id()) == []
    assert shop.catalogue.avatars(shop.ada, twin_id=twin, kind="default") == []
    assert shop.catalogue.avatars(shop.ben, twin_id=twin) == []


def test_avatars_of_others_are_not_there(shop: Shop) -> None:
    hers = add_avatar(shop, shop.ada, "hers")
    assert shop.catalogue.avatar(shop.ada, hers.id) == hers
    assert shop.catalogue.avatars(shop.ben) == list(shipped_avatars())
    with pytest.raises(NotFoundError, match="avatar"):
        shop.catalogue.avatar(shop.ben, hers.id)
    with shop.database.write() as c, pytest.raises(NotFoundError):
        shop.catalogue.remove_avatar(c, shop.ben, hers.id)
    assert shop.catalogue.avatar(shop.ada, hers.id) == hers


def test_an_avatar_is_removed_once(shop: Shop) -> None:
    made = add_avatar(shop, shop.ada, "made")
    with shop.database.write() as c:
        assert shop.catalogue.remove_avatar(c, shop.ada, made.id) == made
    with shop.database.write() as c, pytest.raises(NotFoundError):
        shop.catalogue.remove_avatar(c, shop.ada, made.id)
    with pytest.raises(NotFoundError):
        shop.catalogue.avatar(shop.ada, made.id)


def test_what_ships_is_everybodys_and_stays(shop: Shop) -> None:
    for avatar in shipped_avatars():
        assert shop.catalogue.avatar(shop.ben, avatar.id) == avatar
        with shop.database.write() as c, pytest.raises(ForbiddenError) as caught:
            shop.catalogue.remove_avatar(c, shop.ben, avatar.id)
        assert caught.value.code == "avatar_ships"
    for background in shipped_backgrounds():
        assert shop.catalogue.background(shop.ben, background.id) == background
        with pytest.raises(ForbiddenError) as caught:
            shop.catalogue.remove_background(shop.ben, background.id)
        assert caught.value.code == "background_ships"


def test_own_backgrounds_come_first_and_only_to_their_owner(shop: Shop) -> None:
    made = []
    for name in ("one", "two"):
        shop.clock.advance(1)
        made.append(shop.catalogue.add_background(shop.ada, name=name, key=f"catalogue/{shop.ada}/{name}.jpg"))
    assert shop.catalogue.backgrounds(shop.ada) == [made[1], made[0], *shipped_backgrounds()]
    assert shop.catalogue.backgrounds(shop.ada, own_only=True) == [made[1], made[0]]
    assert shop.catalogue.backgrounds(shop.ben) == list(shipped_backgrounds())
    assert shop.catalogue.background(shop.ada, made[0].id) == made[0]
    for call in (shop.catalogue.background, shop.catalogue.remove_background):
        with pytest.raises(NotFoundError, match="background"):
            call(shop.ben, made[0].id)
    assert len(shop.catalogue.backgrounds(shop.ada, own_only=True)) == 2


def test_a_removed_background_takes_its_file_along(shop: Shop) -> None:
    key = f"catalogue/{shop.ada}/room.jpg"
    shop.storage.put(key, b"picture", owner=shop.ada, media_type="image/jpeg", expires_ms=None)
    made = shop.catalogue.add_background(shop.ada, name="room", key=key)
    assert shop.catalogue.remove_background(shop.ada, made.id) == made
    assert shop.storage.info(key) is None
    assert shop.storage.used_bytes(shop.ada) == 0
    assert shop.catalogue.backgrounds(shop.ada, own_only=True) == []


def test_backgrounds_are_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "BACKGROUNDS_MAX", 2)
    for _ in range(2):
        shop.catalogue.add_background(shop.ada, name="", key="catalogue/a/b.jpg")
    with pytest.raises(ConflictError) as caught:
        shop.catalogue.add_background(shop.ada, name="", key="catalogue/a/b.jpg")
    assert caught.value.code == "too_many_backgrounds"
    shop.catalogue.add_background(shop.ben, name="", key="catalogue/a/b.jpg")


def test_what_ships_is_installed_once_and_mended(shop: Shop) -> None:
    keys = [file.key for file in shipped_files()] + [avatar.cover_key for avatar in shipped_avatars()]
    assert install(shop.storage) == len(keys)
    assert install(shop.storage) == 0
    shop.storage.put(keys[0], b"of an older version", owner=SYSTEM_OWNER, media_type="image/png", expires_ms=None)
    shop.storage.delete(keys[1])
    assert install(shop.storage) == 2
    for file in shipped_files():
        stored = shop.storage.info(file.key)
        assert stored is not None
        assert (stored.owner, stored.expires_ms, stored.media_type) == (SYSTEM_OWNER, None, file.media_type)
        assert b"".join(shop.storage.read(file.key)) == file.source.read_bytes()


def test_covers_are_small_pictures_of_the_portraits(shop: Shop) -> None:
    install(shop.storage)
    for avatar in shipped_avatars():
        data = b"".join(shop.storage.read(avatar.cover_key))
        with Image.open(io.BytesIO(data)) as cover:
            assert cover.format == "JPEG"
            assert cover.size == (512, 640)
        assert len(data) < 100_000
