"""A TensorFlow checkpoint written by hand, after the format of LevelDB's tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.assets.tfcheckpoint import read_checkpoint


def varint(value: int) -> bytes:
    made = b""
    while value > 127:
        made += bytes([value & 127 | 128])
        value >>= 7
    return made + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def entry(tensor: NDArray[np.float32], offset: int, kind: int = 1) -> bytes:
    shape = b"".join(field(2, field(1, side)) for side in tensor.shape)
    return field(1, kind) + field(2, shape) + (field(4, offset) if offset else b"") + field(5, tensor.nbytes)


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Keys share their beginnings with the key before, as LevelDB writes them."""
    made, before = b"", b""
    for key, value in entries:
        shared = next(
            (i for i, (a, b) in enumerate(zip(key, before, strict=False)) if a != b), min(len(key), len(before))
        )
        made += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return made + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")


def write(folder: Path, tensors: dict[str, NDArray[np.float32]], *, packed: bool = False) -> Path:
    entries, numbers = [(b"", field(1, 1))], b""
    for name, tensor in sorted(tensors.items()):
        entries.append((name.encode(), entry(tensor, len(numbers))))
        numbers += tensor.tobytes()
    held = block(entries)
    trailer = bytes([1 if packed else 0]) + b"crc!"
    index = block([(b"\xff", varint(0) + varint(len(held)))])
    table = held + trailer + index + b"\0crc!"
    handles = varint(0) + varint(0) + varint(len(held) + 5) + varint(len(index))
    (folder / "model.index").write_bytes(table + handles.ljust(40, b"\0") + b"magic!!!")
    (folder / "model.data-00000-of-00001").write_bytes(numbers)
    return folder / "model"


def test_tensors_come_back_by_their_names(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    tensors = {
        "conv2d/kernel": random.normal(size=(3, 3, 2, 5)).astype(np.float32),
        "conv2d/bias": random.normal(size=5).astype(np.float32),
        "conv2d_1/bias": random.normal(size=200).astype(np.float32),
    }
    found = read_checkpoint(write(tmp_path, tensors))
    assert set(found) == set(tensors)
    for name, tensor in tensors.items():
        assert found[name].shape == tensor.shape
        assert np.array_equal(found[name], tensor)


def test_a_packed_table_is_refused(tmp_path: Path) -> None:
    prefix = write(tmp_path, {"a": np.zeros(3, np.float32)}, packed=True)
    with pytest.raises(ValueError, match="packed"):
        read_checkpoint(prefix)
