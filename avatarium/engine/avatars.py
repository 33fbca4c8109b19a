"""Who can speak: the two portraits that come with Avatarium, and any picture of a face."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from avatarium.engine.picture.read import Picture, read_picture
from avatarium.engine.speech import Gender
from avatarium.errors import PictureError


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltIn:
    """A portrait drawn for Avatarium; nobody sat for it."""

    name: str
    gender: Gender
    """Of the voice that speaks for it unless another is chosen."""


BUILT_IN = (BuiltIn(name="ava", gender=Gender.FEMALE), BuiltIn(name="noah", gender=Gender.MALE))


def built_in(avatar: str | Path) -> BuiltIn | None:
    """The built-in avatar of that name, if it is one: a file of the same name is reached by ``./ava``."""
    return next((a for a in BUILT_IN if a.name == str(avatar)), None)


def read_avatar(avatar: str | Path) -> Picture:
    """The picture of an avatar.

    Args:
        avatar: name of a built-in one, or the path of a picture.

    Raises:
        PictureError: ``avatar_unknown`` for a bare word that is neither; otherwise see :func:`read_picture`.
    """
    if found := built_in(avatar):
        return read_picture(
            resources.files("avatarium.engine.face").joinpath(f"portraits/{found.name}.png").read_bytes()
        )
    path = Path(avatar)
    if not path.suffix and len(path.parts) == 1 and not path.exists():
        names = " and ".join(a.name for a in BUILT_IN)
        raise PictureError(
            f"There is no avatar {str(avatar)!r}. The built-in ones are {names}; of a photo give the path.",
            code="avatar_unknown",
        )
    return read_picture(path)
