"""Weights out of a TensorFlow checkpoint, without TensorFlow: a table of names, and the numbers one after the other.

The table is LevelDB's sorted string table (blocks of keys with shared beginnings), its values are protocol buffers
(``BundleEntryProto``: type, shape, offset and size in the file of numbers).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float32]]

_FOOTER = 48
_FLOAT = 1
_TYPE, _SHAPE, _OFFSET, _SIZE = 1, 2, 4, 5


def read_checkpoint(prefix: Path) -> Weights:
    """All float32 tensors of ``PREFIX.index`` and ``PREFIX.data-00000-of-00001``, by their names.

    Raises:
        ValueError: the files are none, or packed.
    """
    table = prefix.with_name(f"{prefix.name}.index").read_bytes()
    numbers = np.memmap(prefix.with_name(f"{prefix.name}.data-00000-of-00001"), np.uint8, "r")
    weights: Weights = {}
    for key, value in _entries(table):
        told = _fields(value)
        if key and told.get(_TYPE, [0])[0] == _FLOAT:
            at, size = told.get(_OFFSET, [0])[0], told[_SIZE][0]
            shape = _shape(told.get(_SHAPE, [b""])[0])
            weights[key.decode()] = np.frombuffer(numbers[at : at + size].tobytes(), "<f4").reshape(shape)
    return weights


def _entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    footer = table[-_FOOTER:]
    at = 0
    handle = []
    for _ in range(4):  # of the index of metadata, then of the index of blocks
        number, at = _varint(footer, at)
        handle.append(number)
    for _, where in _block(table, handle[2], handle[3]):
        start, at = _varint(where, 0)
        size, _ = _varint(where, at)
        yield from _block(table, start, size)


def _block(table: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    if table[start + size]:
        raise ValueError("the table is packed")
    block = table[start : start + size]
    restarts = int.from_bytes(block[-4:], "little")
    end, at, key = len(block) - 4 - 4 * restarts, 0, b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        at += own
        yield key, block[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _fields(message: bytes) -> dict[int, list[Any]]:
    """Fields of a protocol buffer by their numbers: integers, or bytes where they hold more."""
    found: dict[int, list[Any]] = {}
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        value: Any
        if kind == 0:
            value, at = _varint(message, at)
        else:
            size = {1: 8, 5: 4}.get(kind, 0)
            if kind == 2:
                size, at = _varint(message, at)
            value, at = message[at : at + size], at + size
        found.setdefault(tag >> 3, []).append(value)
    return found


def _shape(message: bytes) -> tuple[int, ...]:
    return tuple(_fields(dimension).get(1, [0])[0] for dimension in _fields(message).get(2, []))
