"""The avatars and backgrounds that ship: the same ids and keys on every installation, the same for every user.

Their pictures lie in the package; :mod:`avatarium.catalogue.install` puts them into storage.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from avatarium.catalogue.models import Avatar, Background
from avatarium.ids import stable_id

SINCE_MS = 1_735_689_600_000
"""What ships says that it was made at the start of 2025: older than all that is a user's, on every installation."""
PREFIX = "system/"
PORTRAITS = (("ava", "female"), ("noah", "male"))
"""The engine's built-in avatars; asking the engine itself would load its libraries."""
_SUFFIXES = (".jpg", ".png", ".webp")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedFile:
    """A picture of the package and where it goes."""

    key: str
    source: Traversable

    @property
    def media_type(self) -> str:
        """By the suffix, which is ours."""
        suffix = PurePosixPath(self.key).suffix
        return {".png": "image/png", ".webp": "image/webp"}.get(suffix, "image/jpeg")


@functools.cache
def shipped_avatars() -> tuple[Avatar, ...]:
    """The built-in avatars."""
    return tuple(
        Avatar(
            id=stable_id("avatar", name),
            owner=None,
            name=name.capitalize(),
            gender=gender,
            source=name,
            picture_key=f"{PREFIX}avatars/{name}.png",
            cover_key=f"{PREFIX}avatars/{name}-cover.jpg",
            created_ms=SINCE_MS,
        )
        for name, gender in PORTRAITS
    )


@functools.cache
def shipped_backgrounds() -> tuple[Background, ...]:
    """The starter backgrounds, by name."""
    return tuple(
        Background(
            id=stable_id("background", _stem(file.name)),
            owner=None,
            name=_stem(file.name).replace("-", " ").replace("_", " ").capitalize(),
            key=f"{PREFIX}backgrounds/{file.name}",
            created_ms=SINCE_MS,
        )
        for file in _background_files()
    )


def shipped_files() -> list[ShippedFile]:
    """Every picture that ships as it is; the covers are made of them."""
    portraits = _engine() / "face" / "portraits"
    return [
        *(
            ShippedFile(key=avatar.picture_key, source=portraits / f"{avatar.source}.png")
            for avatar in shipped_avatars()
        ),
        *(ShippedFile(key=f"{PREFIX}backgrounds/{file.name}", source=file) for file in _background_files()),
    ]


def _background_files() -> list[Traversable]:
    folder = _engine() / "picture" / "backgrounds"
    found = folder.iterdir() if folder.is_dir() else iter(())
    return sorted((file for file in found if file.name.endswith(_SUFFIXES)), key=lambda file: file.name)


def _engine() -> Traversable:
    return resources.files("avatarium.engine")


def _stem(name: str) -> str:
    return PurePosixPath(name).stem
