"""The backgrounds that come with Avatarium: drawn by the code in ``art/``, free of rights (CC0)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from avatarium.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """A picture to stand before, JPEG, 1920 x 1080; its middle suits an upright crop too."""

    name: str
    """Never changes, such as ``studio-warm``."""
    title: str
    """For people."""
    path: Path

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return WIDTH, HEIGHT


WIDTH, HEIGHT = 1920, 1080
_TITLES = {
    "studio-warm": "Studio, warm",
    "studio-cool": "Studio, cool",
    "office": "Office",
    "bookshelf": "Bookshelf",
    "window-light": "Window light",
    "brick": "Brick wall",
    "curtain": "Stage curtain",
    "city-dusk": "City at dusk",
    "paper": "Paper",
    "green": "Green screen",
}


def backgrounds() -> tuple[Background, ...]:
    """All of them, in the order to show them in. Costs nothing: no picture is opened."""
    folder = Path(str(resources.files("avatarium.engine.picture"))) / "backgrounds"
    return tuple(Background(name=name, title=title, path=folder / f"{name}.jpg") for name, title in _TITLES.items())


def find_background(name: str) -> Background:
    """The background of a name.

    Raises:
        OptionError: ``background_unknown``.
    """
    for background in backgrounds():
        if background.name == name:
            return background
    names = ", ".join(_TITLES)
    raise OptionError(f"There is no background {name!r}. Choose one of {names}.", code="background_unknown")
