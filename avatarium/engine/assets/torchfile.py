"""Weights out of a file of PyTorch's (a ZIP with one pickle and the raw tensors), without PyTorch.

A pickle can run anything that it names, so only the names that weights need are answered; everything else that a
file asks for becomes an empty record, and nothing of it is ever called.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = Mapping[str, NDArray[np.float32]]
"""Tensors by the names that their network gives them."""

_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


def read_weights(path: Path, key: str = "") -> Weights:
    """The floating-point tensors of a checkpoint; ``key`` names the entry that holds them, where it is not the whole.

    Raises:
        ValueError: the file holds something else than weights.
    """
    with zipfile.ZipFile(path) as archive:
        pickled = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        if pickled is None:
            raise ValueError(f"{path.name} is not a checkpoint of PyTorch")
        with archive.open(pickled) as file:
            held = _Reader(file, archive, pickled.rsplit("/", 1)[0]).load()
    tensors = held[key] if key else held
    return {name: value for name, value in tensors.items() if isinstance(value, np.ndarray) and value.dtype == "<f4"}


class _Nothing:
    """What stands for anything that is not a weight."""


class _Reader(pickle.Unpickler):
    def __init__(self, file: Any, archive: zipfile.ZipFile, root: str) -> None:
        super().__init__(file)
        self._archive = archive
        self._root = root

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        return _Nothing

    def persistent_load(self, pid: Any) -> NDArray[Any]:
        kind, dtype, key, _device, count = pid
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise ValueError(f"a checkpoint of weights does not hold {kind}")
        return np.frombuffer(self._archive.read(f"{self._root}/data/{key}"), dtype, count)


def _tensor(storage: NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> Any:
    size = storage.itemsize
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if min(offset, *shape, *strides, 0) < 0 or last >= len(storage):
        raise ValueError("a tensor of the checkpoint reaches beyond its bytes")
    view = np.lib.stride_tricks.as_strided(storage[offset:], shape, [step * size for step in strides], writeable=False)
    return np.array(view)
