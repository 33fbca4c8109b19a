"""Booking rooms with avatars from videos: what their files say of them is looked up, and places go by their size."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from avatarium.catalogue.models import VIDEO, Avatar
from avatarium.database import Database
from avatarium.errors import InputError
from avatarium.ids import new_id
from avatarium.streaming.booking import BookRequest
from avatarium.streaming.films import Film, Films
from avatarium.streaming.placement import places_for
from tests.support.live_house import House, made_house
from tests.support.live_rooms import spec_of


@pytest.fixture
def home(database: Database, tmp_path: Path) -> House:
    made = made_house(database, tmp_path)
    made.stage("large", places=40.0)
    return made


def package(tmp_path: Path, **said: object) -> bytes:
    """A twin's file but for its films, which are large."""
    path = tmp_path / "it.twin"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("base.mp4", bytes(300_000))
        archive.writestr("manifest.json", json.dumps({"width": 1280, "height": 720, "has_alpha": True} | said))
        archive.writestr("data.npz", bytes(200_000))
    return path.read_bytes()


def avatar(house: House, content: bytes) -> Avatar:
    made = Avatar(
        id=new_id(),
        owner=house.ada,
        name="me",
        gender="female",
        kind=VIDEO,
        picture_key=f"results/{house.ada}/poster.jpg",
        package_key=f"results/{house.ada}/{new_id()}/twin.twin",
        created_ms=1,
    )
    house.platform.storage.put(
        made.package_key, content, owner=house.ada, media_type="application/octet-stream", expires_ms=None
    )
    with house.platform.database.write() as c:
        house.platform.catalogue.add_avatar(c, made)
    return made


GROUNDS = [{"transparent": True}, {"background_color": "#fff"}]


@pytest.mark.parametrize("ground", GROUNDS)
def test_a_twin_that_was_not_cut_out_is_refused_another_ground_and_nothing_is_held(
    home: House, tmp_path: Path, ground: dict[str, object]
) -> None:
    plain, cut = (avatar(home, package(tmp_path, has_alpha=alpha)) for alpha in (False, True))
    with pytest.raises(InputError) as refusal:
        home.rooms.book(home.ada, BookRequest(avatar_id=plain.id, expire_s=60, **ground))  # type: ignore[arg-type]
    assert refusal.value.code == "person_not_found" and "`transparent`" in refusal.value.message
    assert home.coins() == 1000 and home.rooms.standing() == (2, 0)
    home.rooms.book(home.ada, BookRequest(avatar_id=plain.id, expire_s=60))
    home.rooms.book(home.ada, BookRequest(avatar_id=cut.id, expire_s=60, **ground))  # type: ignore[arg-type]


def test_a_large_film_takes_more_places_than_a_small_one(home: House, tmp_path: Path) -> None:
    sizes = ((512, 512), (1280, 720), (1080, 1920))
    films = [avatar(home, package(tmp_path, width=width, height=height)) for width, height in sizes]
    books = [home.rooms.book(home.ada, BookRequest(avatar_id=film.id, expire_s=60)).room for film in films]
    places = [room.places for room in books]
    assert places == sorted(places) and places[2] > 1.5 * places[1] > 2 * places[0] > 2
    assert places == [
        places_for(spec_of(resolution=512, package_key="it", film_pixels=width * height)) for width, height in sizes
    ]


@pytest.mark.parametrize("content", [b"no twin", b"PK\x05\x06" + bytes(18), b""])
def test_a_file_that_says_nothing_is_left_to_the_stage(home: House, content: bytes) -> None:
    unknown = avatar(home, content)
    booked = home.rooms.book(home.ada, BookRequest(avatar_id=unknown.id, expire_s=60, transparent=True))
    assert booked.spec.film_pixels == 0
    assert booked.room.places == places_for(
        spec_of(resolution=512, package_key="it", film_pixels=1280 * 720, transparent=True)
    )


def test_only_ends_of_a_file_are_read_and_once(home: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, storage = package(tmp_path), home.platform.storage
    film, read, ranges = avatar(home, content), storage.read_range, []

    def counted(key: str, start: int, end: int) -> object:
        ranges.append(end - start)
        return read(key, start, end)

    monkeypatch.setattr(storage, "read_range", counted)
    films = Films(storage)
    for _ in range(3):
        assert films.film(film.package_key) == Film(width=1280, height=720, cut_out=True)
    assert 1 <= len(ranges) <= 4 and sum(ranges) < len(content) / 5
    assert films.film("results/nobody/twin.twin") is None
