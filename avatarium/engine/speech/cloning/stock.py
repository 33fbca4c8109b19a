"""The ready voices as starting points: where they lie among styles, and whom they sound like."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.assets import default_store
from avatarium.engine.speech.cloning.learning import STYLE_SIZE, Space, space
from avatarium.engine.speech.models.kokoro import STYLE_SIZE as WHOLE_STYLE
from avatarium.engine.speech.speakers import Gender

Array = NDArray[np.float32]

_VECTORS = "stock.npz"
"""CAM++ of one English sentence of every voice; ``python -m bench.cloning stock`` measures them anew."""
_MIDDLE = slice(40, 120)
"""Numbers of signs that sentences have."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stock:
    """All ready voices of Kokoro."""

    names: tuple[str, ...]
    tables: Array
    """``(voices, 510, 256)``."""
    vectors: Array
    """``(voices, 192)``, of unit length."""

    def table(self, name: str) -> Array:
        """One voice's."""
        return np.asarray(self.tables[self.names.index(name)])

    def nearest(self, vector: Array, gender: Gender) -> list[tuple[str, float]]:
        """Voices of a gender with their cosine to a speaker vector, the most alike first."""
        alike = self.vectors @ vector
        found = [(self.names[i], float(alike[i])) for i in np.argsort(-alike)]
        return [(name, cosine) for name, cosine in found if name[1] == gender[0]]


_ENGLISH = "ab"
_LETTERS = {"en": _ENGLISH, "es": "e", "fr": "f", "it": "i", "pt": "p", "hi": "h", "ja": "j", "zh": "z"}


def speak(language: str, name: str) -> bool:
    """Whether a ready voice speaks a language, or English: from others a clone would have an accent."""
    return name[0] in _LETTERS.get(language.split("-")[0], "") + _ENGLISH


def middle(table: Array) -> Array:
    """The style of a table for sentences of usual length, ``(256,)``."""
    return np.asarray(table[_MIDDLE].mean(axis=0), np.float32)


@functools.cache
def stock() -> Stock:
    """Every voice of this installation."""
    folder = default_store().path("kokoro-voices")
    with resources.files(__package__).joinpath(_VECTORS).open("rb") as file, np.load(file) as held:
        names, vectors = tuple(held["names"].tolist()), held["vectors"].astype(np.float32)
    tables = [np.fromfile(folder / f"{name}.bin", np.float32).reshape(-1, WHOLE_STYLE) for name in names]
    return Stock(names=names, tables=np.stack(tables), vectors=vectors)


@functools.cache
def styles() -> Space:
    """Coordinates in which the ready voices are a round cloud."""
    return space(np.stack([middle(table)[:STYLE_SIZE] for table in stock().tables]))
