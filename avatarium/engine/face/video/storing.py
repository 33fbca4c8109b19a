"""Arrays as bytes and back, where the bytes may come from strangers: nothing is unpickled, no size is believed."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

MOST_BYTES = 400_000_000
"""Of all arrays together; a minute at 1080p takes 120 MB."""
MOST_ARRAYS = 64
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}\.npy\Z")
_KINDS = "biuf"
_MOST_DIMENSIONS = 4
_FORMAT: Any = np.lib.format  # has no types
_DATE = (1980, 1, 1, 0, 0, 0)


class UnreadableArrays(ValueError):
    """The bytes are no arrays, or more than is taken."""


def write_arrays(file: BinaryIO, arrays: Mapping[str, NDArray[Any]], *, small: bool = False) -> None:
    """Write arrays as NumPy's ``.npz``; the same arrays give the same bytes. ``small`` deflates them."""
    how = zipfile.ZIP_DEFLATED if small else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            _FORMAT.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", _DATE)
            info.compress_type = how
            archive.writestr(info, member.getbuffer())


def read_arrays(file: BinaryIO, *, most_bytes: int = MOST_BYTES) -> Arrays:
    """Read what :func:`write_arrays` wrote.

    Raises:
        UnreadableArrays: anything else.
    """
    arrays: Arrays = {}
    left = most_bytes
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > MOST_ARRAYS:
                raise UnreadableArrays("too many arrays")
            for info in members:
                if not _NAME.match(info.filename):
                    raise UnreadableArrays("a member's name")
                with archive.open(info) as member:
                    array = _read(member, left)
                left -= array.nbytes
                arrays[info.filename[:-4]] = array
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as problem:
        raise UnreadableArrays(str(problem)) from problem
    except ValueError as problem:  # NumPy's word for a header that is none, and zlib's error is one too
        raise UnreadableArrays(str(problem)) from problem
    return arrays


def _read(member: Any, most_bytes: int) -> NDArray[Any]:
    """The header is compared with what follows; memory is taken for what is there, not for what is told."""
    version = _FORMAT.read_magic(member)
    read_header = _FORMAT.read_array_header_1_0 if version == (1, 0) else _FORMAT.read_array_header_2_0
    shape, in_columns, kind = read_header(member)
    if kind.kind not in _KINDS or kind.hasobject or len(shape) > _MOST_DIMENSIONS or in_columns:
        raise UnreadableArrays("an array's header")
    told = kind.itemsize
    for side in shape:
        told *= int(side)
    if min(shape, default=1) < 0 or told > most_bytes:
        raise UnreadableArrays("an array's size")
    data = member.read(told + 1)
    if len(data) != told:
        raise UnreadableArrays("an array's length")
    array = np.frombuffer(data, kind).reshape(shape)
    if kind.kind == "f" and not np.isfinite(array).all():
        raise UnreadableArrays("not a number")
    return array
