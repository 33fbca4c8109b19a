"""Checkpoints are read without PyTorch, and what they would have called is not called."""

from __future__ import annotations

import collections
import io
import pickle
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avatarium.engine.assets.torchfile import read_weights

CALLED: list[str] = []


def shout(text: str) -> str:
    CALLED.append(text)
    return text


class Shouting:
    def __reduce__(self) -> tuple[Any, ...]:
        return shout, ("from inside",)


class Tensor:
    """Pickled as PyTorch pickles its own."""

    def __init__(self, key: str, count: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.storage = Storage(key, count)
        self.shape, self.strides = shape, strides

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (self.storage, 0, self.shape, self.strides, False, collections.OrderedDict())


class Storage:
    def __init__(self, key: str, count: int) -> None:
        self.key, self.count = key, count


class Writer(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, Storage):
            return "storage", sys.modules["torch"].FloatStorage, value.key, "cpu", value.count
        return None


@pytest.fixture(autouse=True)
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names to pickle, of a PyTorch that is not there."""
    module, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2() -> None: ...

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    module.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", module)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    CALLED.clear()


def written(path: Path, held: Any, data: dict[str, bytes]) -> Path:
    pickled = io.BytesIO()
    Writer(pickled, protocol=2).dump(held)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled.getvalue())
        for key, raw in data.items():
            archive.writestr(f"archive/data/{key}", raw)
    return path


NUMBERS = np.arange(6, dtype="<f4")


def test_tensors_come_with_shape_and_strides(tmp_path: Path) -> None:
    held = {"rows": Tensor("0", 6, (2, 3), (3, 1)), "turned": Tensor("0", 6, (3, 2), (1, 3)), "note": "text"}
    weights = read_weights(written(tmp_path / "a.pt", held, {"0": NUMBERS.tobytes()}))
    assert sorted(weights) == ["rows", "turned"]
    assert np.array_equal(weights["rows"], NUMBERS.reshape(2, 3))
    assert np.array_equal(weights["turned"], NUMBERS.reshape(2, 3).T)


def test_weights_may_lie_under_a_key(tmp_path: Path) -> None:
    held = {"version": 1, "state_dict": {"w": Tensor("0", 6, (6,), (1,))}}
    assert list(read_weights(written(tmp_path / "a.pt", held, {"0": NUMBERS.tobytes()}), "state_dict")) == ["w"]


def test_what_a_checkpoint_wants_to_call_is_not_called(tmp_path: Path) -> None:
    held = {"w": Tensor("0", 6, (6,), (1,)), "bad": Shouting()}
    with pytest.raises(TypeError):
        read_weights(written(tmp_path / "a.pt", held, {"0": NUMBERS.tobytes()}))
    assert CALLED == []


def test_a_tensor_does_not_reach_beyond_its_bytes(tmp_path: Path) -> None:
    held = {"w": Tensor("0", 6, (2, 6), (6, 1))}
    with pytest.raises(ValueError, match="beyond"):
        read_weights(written(tmp_path / "a.pt", held, {"0": NUMBERS.tobytes()}))


def test_a_zip_without_a_pickle_is_no_checkpoint(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("readme", "nothing")
    with pytest.raises(ValueError, match="not a checkpoint"):
        read_weights(tmp_path / "a.pt")
