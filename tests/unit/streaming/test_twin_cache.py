"""Twins of a stage: fetched once, shared, each room with a view of its own, and forgotten within bounds."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.pose import Pose
from avatarium.engine.face.style.record import SpeakingStyle
from avatarium.engine.face.video.actor import VideoActor
from avatarium.engine.production import Renderer
from avatarium.engine.video import Size
from avatarium.errors import InputError, NotFoundError
from avatarium.storage.service import Storage
from avatarium.streaming.models import EndReason
from avatarium.streaming.stage import twins as module
from avatarium.streaming.stage.pictures import Look, Looks
from avatarium.streaming.stage.pools import Pools
from avatarium.streaming.stage.room import StageRoom
from avatarium.streaming.stage.twins import Twins
from tests.support.live_rooms import Books, FlatFace, KeepingViewer, OneLook, a_kit, in_loop, make_show, spec_of, until

Image = NDArray[np.uint8]


class Shelf:
    """A storage of files that say their own name."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.size_bytes = 100
        self.texts: dict[str, bytes] = {}

    def info(self, key: str) -> Any:
        return self

    def copy_to(self, key: str, path: Path) -> None:
        if key == "gone":
            raise NotFoundError("It is gone.", code="file_gone")
        self.fetched.append(key)
        path.write_text(key)

    def read(self, key: str) -> list[bytes]:
        return [self.texts[key]]


class Sitter:
    """A twin that is open, with a folder of its own."""

    memory_bytes = 100

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.file = Path(tempfile.mkdtemp(dir=folder)) / "film"
        self.file.write_text("film")

    def close(self) -> None:
        shutil.rmtree(self.file.parent, ignore_errors=True)


class Film(FlatFace):
    """Its view."""

    in_order = True

    def __init__(self, sitter: Sitter) -> None:
        if sitter is not None and not sitter.file.exists():
            raise InputError("The avatar's film cannot be read.", code="twin_unreadable")
        super().__init__(Size(64, 64))
        self.sitter, self.closed = sitter, 0

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def opening(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(path: Path, *, under: Path) -> Sitter:
        if (name := path.read_text()) == "broken":
            raise InputError("The avatar's file is damaged.", code="twin_unreadable")
        return Sitter(name, under)

    monkeypatch.setattr(VideoActor, "open", opened)


def shown(twins: Twins, key: str) -> Renderer:
    return twins.view(key, cast(Callable[[VideoActor], Renderer], Film))


def sitter_of(view: Renderer) -> Sitter:
    return cast(Sitter, view._view.sitter)  # type: ignore[attr-defined]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


class TidyTwins(Twins):
    """Tidied at once when a view comes back."""

    def __init__(self, shelf: Shelf, folder: Path) -> None:
        super().__init__(cast(Storage, shelf), folder, self.tidy)


@pytest.fixture
def twins(shelf: Shelf, tmp_path: Path) -> Twins:
    return TidyTwins(shelf, tmp_path)


def test_rooms_share_a_twin_and_have_each_their_view(twins: Twins, shelf: Shelf, tmp_path: Path) -> None:
    one, other = shown(twins, "ann"), shown(twins, "ann")
    assert shelf.fetched == ["ann"] and sitter_of(one) is sitter_of(other) and one is not other
    assert list((tmp_path / "twins").iterdir()) == [sitter_of(one).file.parent], "the fetched file is not kept"
    one.close()
    one.close()
    twins.close()
    assert sitter_of(other).file.exists(), "somebody shows it still"
    other.close()
    twins.close()
    assert not sitter_of(other).file.exists() and len(twins) == 0


def test_so_many_are_kept_and_the_longest_unused_go(twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNUSED", 2)
    views = {name: shown(twins, name) for name in "abc"}
    views["a"].close()
    views["b"].close()
    shown(twins, "a").close()
    views["c"].close()
    last = shown(twins, "e")
    assert {name: sitter_of(view).file.exists() for name, view in views.items()} == {"a": True, "b": False, "c": True}
    assert sitter_of(last).file.exists()


def test_what_rooms_leave_is_forgotten_when_they_close(twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNUSED", 2)
    views = [shown(twins, name) for name in "abcde"]
    for view in views:
        view.close()
    assert [sitter_of(view).file.exists() for view in views] == [False, False, False, True, True] and len(twins) == 2


def test_a_kept_twin_whose_files_are_gone_is_fetched_anew(twins: Twins, shelf: Shelf) -> None:
    shown(twins, "ann").close()
    twins._open["ann"].actor.close()
    again = shown(twins, "ann")
    assert shelf.fetched == ["ann", "ann"] and sitter_of(again).file.exists()


def test_a_broken_twin_stays_for_those_who_show_it_and_comes_to_nobody_else(twins: Twins) -> None:
    first = shown(twins, "ann")
    sitter_of(first).file.unlink()
    second = shown(twins, "ann")
    assert sitter_of(second) is not sitter_of(first) and sitter_of(first).file.parent.exists()
    first.close()
    assert not sitter_of(first).file.parent.exists() and sitter_of(second).file.exists(), "gone with its last room"


def test_a_twin_that_is_damaged_where_it_lies_is_fetched_once_a_room(twins: Twins, shelf: Shelf) -> None:
    def refuse(actor: object) -> Renderer:
        raise InputError("Its film cannot be read.", code="twin_unreadable")

    with pytest.raises(InputError):
        twins.view("ann", refuse)
    assert shelf.fetched == ["ann"], "what has just come is not fetched again"
    with pytest.raises(InputError):
        twins.view("ann", refuse)
    assert shelf.fetched == ["ann", "ann"]


def test_large_ones_go_earlier(twins: Twins, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNUSED_BYTES", 150)
    first, second = shown(twins, "a"), shown(twins, "b")
    first.close()
    second.close()
    third = shown(twins, "c")
    assert not sitter_of(first).file.exists() and sitter_of(second).file.exists()
    third.close()
    shelf.size_bytes = module.FILE_MAX_BYTES + 1
    with pytest.raises(InputError) as refusal:
        shown(twins, "d")
    assert refusal.value.code == "twin_too_large" and shelf.fetched == ["a", "b", "c"]


def test_what_cannot_be_shown_leaves_nothing_behind(twins: Twins, shelf: Shelf, tmp_path: Path) -> None:
    for key, kind in (("broken", InputError), ("gone", NotFoundError)):
        with pytest.raises(kind):
            shown(twins, key)

    def refuse(actor: object) -> Renderer:
        raise InputError("It has no mask.", code="person_not_found")

    with pytest.raises(InputError):
        twins.view("ann", refuse)
    twins.close()
    assert len(twins) == 0 and list((tmp_path / "twins").iterdir()) == []


class FilmLooks(Looks):
    """Real looks, but for the engine."""

    def __init__(self, shelf: Shelf, pools: Pools, tmp_path: Path) -> None:
        super().__init__(cast(Storage, shelf), pools, tmp_path, None)
        self.views: list[Renderer] = []

    def _made(self, look: Look, style: SpeakingStyle | None = None) -> Any:
        self.views.append(shown(self.twins, look.package_key))
        return self.views[-1]


def look(key: str = "ann") -> Look:
    return Look(source="", picture_key="", package_key=key, resolution=64)


@in_loop
async def test_a_view_that_nobody_waits_for_any_more_is_closed(shelf: Shelf, tmp_path: Path) -> None:
    pools = Pools.open()
    looks = FilmLooks(shelf, pools, tmp_path)
    waiting = asyncio.create_task(looks.view(look()))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await until(lambda: looks.views, "it is made all the same")
    await until(lambda: looks.views[0]._give_back is None, "it is given back")  # type: ignore[attr-defined]
    await looks.close()
    assert len(looks.twins) == 0
    pools.close()


class SlowShelf(Shelf):
    """A storage that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def copy_to(self, key: str, path: Path) -> None:
        assert self.go.wait(30)
        super().copy_to(key, path)


class SlowLooks(FilmLooks):
    """Films come from storage, faces at once."""

    def _made(self, look: Look, style: SpeakingStyle | None = None) -> Any:
        return super()._made(look, style) if look.package_key else FlatFace()


@in_loop
async def test_the_picture_of_another_room_does_not_wait_for_a_twin(tmp_path: Path) -> None:
    pools, shelf = Pools.open(), SlowShelf()
    looks = SlowLooks(shelf, pools, tmp_path)
    waiting = asyncio.create_task(looks.view(look()))
    try:
        async with asyncio.timeout(60):
            await looks.view(Look(source="ava", picture_key="", resolution=64))
        assert not waiting.done()
    finally:
        shelf.go.set()
    (await waiting).close()
    await looks.close()
    assert len(looks.twins) == 0
    pools.close()


@in_loop
async def test_twins_are_tidied_after_rooms_in_the_thread_of_their_own(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNUSED", 0)
    pools = Pools.open()
    looks = FilmLooks(shelf, pools, tmp_path)
    view = await looks.view(look())
    assert len(looks.twins) == 1
    view.close()
    await until(lambda: len(looks.twins) == 0, "it is forgotten")
    late = await looks.view(look())
    pools.close()
    late.close()


@in_loop
async def test_each_room_has_its_own_view_and_closes_it(shelf: Shelf, tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        looks = FilmLooks(shelf, kit.pools, tmp_path)
        twin = {"source": "", "picture_key": "", "package_key": "ann"}
        async with a_kit(tmp_path, looks=looks) as with_films:
            rooms = [StageRoom(spec_of(**twin), with_films, make_show()) for _ in range(2)]
            for room in rooms:
                room.open()
                await room.loaded()
            assert len({id(view) for view in looks.views}) == 2 and shelf.fetched == ["ann"]
            for room in rooms:
                await room.end(EndReason.LEFT)
            await until(lambda: all(view._give_back is None for view in looks.views), "they are closed")  # type: ignore[attr-defined]
            await looks.close()


def test_a_picture_that_comes_after_the_end_is_closed_too() -> None:
    show, film = make_show(), Film(cast(Sitter, None))
    show.close()
    from avatarium.engine.live import Painter

    show.set_painter(Painter(film))
    assert film.closed == 1


class Breaking(FlatFace):
    """A film that is damaged from its third frame on."""

    def render(self, pose: Pose) -> Image:
        if self.drawn == 2:
            raise InputError("The avatar's film is damaged.", code="twin_unreadable")
        return super().render(pose)


@in_loop
async def test_a_film_that_breaks_ends_the_room_for_nothing_and_says_why(tmp_path: Path) -> None:
    books, looks = Books(), OneLook()
    looks.face = Breaking()
    async with a_kit(tmp_path, books=books, looks=looks) as kit:
        room = StageRoom(spec_of(), kit, make_show())
        room.open()
        viewer = KeepingViewer()
        room.add_viewer(viewer)
        viewer.connected = True
        room.viewer_connected(viewer)
        await until(lambda: room.finished, "it ends")
        told = [event for event in room.events.since(0) if event["type"] == "problem"]
        assert [event["code"] for event in told] == ["twin_unreadable"]
        _, _, (reason, until_ms) = next(entry for entry in books.written if entry[0] == "end")
        assert reason is EndReason.AVATAR_FAILED and until_ms == room.lifetime.joined_ms


@in_loop
async def test_a_personal_model_is_read_and_a_broken_one_is_done_without(shelf: Shelf, tmp_path: Path) -> None:
    shelf.texts = {"mine": SpeakingStyle(loud_share=0.5).to_json().encode(), "bad": b"{}", "huge": b"x" * 10**7}
    async with a_kit(tmp_path) as kit:
        looks = Looks(cast(Storage, shelf), kit.pools, tmp_path, None)
        assert (await looks.style("mine")).loud_share == 0.5
        for key in ("bad", "huge"):
            with pytest.raises(InputError):
                await looks.style(key)


class StyledLook(OneLook):
    """Looks with a model that is damaged."""

    async def style(self, key: str) -> SpeakingStyle:
        raise InputError("The model is damaged.", code="lip_model_unreadable")


@in_loop
async def test_a_room_goes_on_without_a_personal_model(tmp_path: Path) -> None:
    async with a_kit(tmp_path, looks=StyledLook()) as kit:
        room = StageRoom(spec_of(model_key="bad"), kit, make_show())
        room.open()
        await room.loaded()
        assert [event["code"] for event in room.events.since(0)] == ["lip_model_unreadable"]
        assert room.show.performer.style is None and not room.ended
        await room.end(EndReason.LEFT)


def test_a_twin_looks_by_its_package_alone() -> None:
    twin = Look.of(spec_of(source="", picture_key="poster", package_key="ann", transparent=True))
    assert (twin.picture_key, twin.package_key, twin.transparent) == ("", "ann", True)
