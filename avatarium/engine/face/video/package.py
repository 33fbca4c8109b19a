"""The file of a twin: one ZIP of films, numbers and a description.

A twin's file may come from a stranger. Its members are stored, never deflated, so that nothing can blow up; only known
names are taken, sizes are held against the bytes that are there, arrays against the shapes they must have.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.topology import VERTICES
from avatarium.engine.face.video.storing import Arrays, UnreadableArrays, read_arrays, write_arrays
from avatarium.engine.face.video.tracking import POINTS
from avatarium.engine.files import StrPath, open_regular
from avatarium.engine.video.part import PartFile
from avatarium.engine.video.probe import probe
from avatarium.errors import InputError

SUFFIX = ".twin"
MEDIA_TYPE = "application/vnd.avatarium.twin+zip"
VERSION = 1
MANIFEST, DATA = "manifest.json", "data.npz"
BASE, PERSON, ALPHA = "base.mp4", "person.mp4", "alpha.mp4"
FILMS = (BASE, PERSON, ALPHA)
MOST_FRAMES = 6000
"""Of a loop: a minute to and fro, twice."""
_MOST_MANIFEST = 64_000
_SIDES = (16, 4096)
_MOST_NOTES, _LONGEST_NOTE = 40, 600
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a twin is, without opening its films."""

    width: int
    height: int
    frames: int
    """Of the loop."""
    iod: float
    """Usual distance of the outer eye corners in pixels."""
    others: int = 0
    """Most faces beside the person's at one time."""
    notes: tuple[str, ...] = ()
    """What the user should know, in sentences."""
    coverage: float = 0.0
    """Share of the mouth shapes of speech that the person's own frames hold, 0..1."""
    has_alpha: bool = False
    playing: str = "forward"
    """How the loop goes on: "forward" or "to_and_fro"."""
    joint: float = 0.0
    """Difference at the loop's joint, in levels of grey outside the mouth."""
    usual: float = 0.0
    """What 95 of 100 steps of the loop keep below."""
    seen: float = 1.0
    """Share of the clip's frames in which the face is seen."""
    clip_frames: int = 0
    version: int = VERSION

    def to_json(self) -> str:
        """For the file."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Out of a file.

        Raises:
            ValueError: it is none, or of a version that is not known.
        """
        told = json.loads(text)
        if not isinstance(told, dict) or told.get("version") != VERSION:
            raise ValueError("version")
        known: dict[str, Any] = {f.name: _checked(f.name, f.type, told[f.name]) for f in fields(cls) if f.name in told}
        try:
            manifest = cls(**known)
        except TypeError as problem:
            raise ValueError("fields") from problem
        low, high = _SIDES
        if not (low <= manifest.width <= high and low <= manifest.height <= high):
            raise ValueError("size")
        if not 1 <= manifest.frames <= MOST_FRAMES:
            raise ValueError("frames")
        return manifest


def _checked(name: str, kind: Any, value: Any) -> Any:
    if kind == "tuple[str, ...]":
        if isinstance(value, list) and len(value) <= _MOST_NOTES and all(isinstance(v, str) for v in value):
            return tuple(v[:_LONGEST_NOTE] for v in value)
    elif kind == "float":
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6:
            return float(value)
    elif kind == "int":
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9:
            return value
    elif kind == "bool":
        if isinstance(value, bool):
            return value
    elif isinstance(value, str) and len(value) <= _LONGEST_NOTE:
        return value
    raise ValueError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinFile:
    """A twin's file whose description was read and whose members are what they must be."""

    path: Path
    manifest: Manifest

    def arrays(self) -> Arrays:
        """The numbers: ``order``, ``points``, ``local``, ``neutral``, ``controls``, ``scale``, ``turn``, ``shift``,
        ``pose``, ``shown`` of the loop's frames, and the bank's, whose names begin with ``bank_``.

        Raises:
            InputError: ``twin_unreadable``.
        """
        try:
            with open_regular(self.path, error=InputError, noun="twin") as file, zipfile.ZipFile(file) as archive:
                arrays = read_arrays(BytesIO(archive.read(DATA)))
        except (zipfile.BadZipFile, KeyError, EOFError, OSError, UnreadableArrays) as problem:
            raise _unreadable(self.path) from problem
        for name, shape in _shapes(self.manifest.frames).items():
            if name not in arrays or arrays[name].shape != shape:
                raise _unreadable(self.path)
        order = arrays["order"]
        if order.dtype.kind not in "iu" or order.min() < 0 or order.max() >= 10**7:
            raise _unreadable(self.path)
        return arrays

    def extract(self, member: str, folder: Path) -> Path:
        """Copy a film out of the file.

        Args:
            member: one of :data:`FILMS`.
            folder: where it is written, under its own name.

        Raises:
            InputError: ``twin_unreadable``; there is no such film, or it is not of the size that is told.
        """
        if member not in FILMS:
            raise ValueError(f"{member} is no film of a twin")
        out = folder / member
        try:
            with open_regular(self.path, error=InputError, noun="twin") as file, zipfile.ZipFile(file) as archive:
                part = PartFile(out)
                try:
                    with archive.open(member) as source, part.writing(), open(part.part, "wb") as target:
                        shutil.copyfileobj(source, target, 1 << 20)
                    with part.writing():
                        part.land()
                finally:
                    part.discard()
        except (zipfile.BadZipFile, KeyError, EOFError) as problem:
            raise _unreadable(self.path) from problem
        self._check_film(out)
        return out

    def _check_film(self, film: Path) -> None:
        try:
            facts = probe(film)
        except InputError as problem:
            raise _unreadable(self.path) from problem
        if (facts.width, facts.height) != (self.manifest.width, self.manifest.height):
            raise _unreadable(self.path)
        if facts.frames is not None and facts.frames != self.manifest.frames:
            raise _unreadable(self.path)


def _shapes(frames: int) -> dict[str, tuple[int, ...]]:
    return {
        "order": (frames,),
        "points": (frames, POINTS, 3),
        "local": (frames, VERTICES, 3),
        "neutral": (VERTICES, 3),
        "controls": (frames, 6),
        "scale": (frames,),
        "turn": (frames, 3, 3),
        "shift": (frames, 3),
        "pose": (frames, 3),
        "shown": (frames,),
    }


def write_twin(
    path: StrPath, manifest: Manifest, arrays: Mapping[str, NDArray[Any]], films: Mapping[str, Path]
) -> TwinFile:
    """Write a twin's file; complete under its name, or not there. The same input gives the same bytes.

    Args:
        path: where.
        manifest: the description.
        arrays: as :meth:`TwinFile.arrays` tells.
        films: the files of :data:`BASE`, and of :data:`PERSON` and :data:`ALPHA` where there are.

    Raises:
        OutputError: as of ``PartFile``.
    """
    for name, shape in _shapes(manifest.frames).items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}, not {shape}")
    numbers = BytesIO()
    write_arrays(numbers, {k: v if np.asarray(v).dtype.kind != "f" else np.nan_to_num(v) for k, v in arrays.items()})
    part = PartFile(path)
    try:
        with part.writing(), zipfile.ZipFile(part.part, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo(MANIFEST, _DATE), manifest.to_json())
            archive.writestr(zipfile.ZipInfo(DATA, _DATE), numbers.getbuffer())
            for name in FILMS:
                if name in films:
                    _store(archive, name, films[name])
        with part.writing():
            part.land()
    finally:
        part.discard()
    return TwinFile(path=Path(path), manifest=manifest)


def _store(archive: zipfile.ZipFile, name: str, film: Path) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    info.file_size = film.stat().st_size
    with film.open("rb") as source, archive.open(info, "w") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def read_twin(path: StrPath) -> TwinFile:
    """Open a twin's file and see that it can be one; films and numbers are looked at when they are asked for.

    Raises:
        InputError: ``twin_missing`` or ``twin_unreadable``.
    """
    try:
        with open_regular(path, error=InputError, noun="twin") as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check_members(members, file.seek(0, 2))
            manifest = Manifest.from_json(archive.read(MANIFEST))
            named = {member.filename for member in members}
            if manifest.has_alpha != (PERSON in named and ALPHA in named):
                raise ValueError("layers")
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError, NotImplementedError, RuntimeError) as problem:
        raise _unreadable(Path(path)) from problem
    return TwinFile(path=Path(path), manifest=manifest)


def _check_members(members: list[zipfile.ZipInfo], size_bytes: int) -> None:
    names = [member.filename for member in members]
    if len(set(names)) != len(names) or not {MANIFEST, DATA, BASE} <= set(names) <= {MANIFEST, DATA, *FILMS}:
        raise ValueError("members")
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise ValueError("deflated")
        if member.flag_bits & 1:
            raise ValueError("encrypted")
    if sum(member.file_size for member in members) > size_bytes:
        raise ValueError("overlapping")
    if next(m for m in members if m.filename == MANIFEST).file_size > _MOST_MANIFEST:
        raise ValueError("manifest")


def _unreadable(path: Path) -> InputError:
    return InputError(
        f"{path.name} is not the file of an avatar made from a video, or it is damaged. "
        "Make the avatar from its video again.",
        code="twin_unreadable",
    )
