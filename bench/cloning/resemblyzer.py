"""A speaker net that no clone was made with: GE2E (Wan et al. 2018) as Resemblyzer trained it, in numpy.

Its weights are not part of Avatarium; ``--resemblyzer`` names ``pretrained.pt`` out of the package of that name
(Apache-2.0), release 0.1.4. Halves of one recording have a cosine of about 0.96, one person in two recordings 0.77 to
0.81, different people 0.40 to 0.72.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from avatarium.engine.speech.records import Samples

RATE = 16_000
_SPECTRUM, _HOP, _BANDS = 400, 160, 40
_PART, _STEP = 160, 77
_LAYERS = 3
_LEVEL_DB = -30.0

Array = NDArray[np.float32]


class SpeakerNet:
    """The network, of a file of weights."""

    def __init__(self, weights: Path) -> None:
        self._weights = _read(weights)
        self._filters = _filters()

    def embed(self, samples: Samples, rate: int) -> Array:
        """256 numbers of unit length, the mean over parts of 1.6 s."""
        sound = np.asarray(soxr.resample(samples, rate, RATE), np.float32)
        level = np.sqrt(np.square(sound).mean()) + 1e-9
        sound = sound * max(1.0, 10 ** (_LEVEL_DB / 20) / level)
        bands = self._bands(np.pad(sound, (0, max(0, _PART * _HOP - len(sound)))))
        starts = range(0, max(1, len(bands) - _PART + 1), _STEP)
        vectors = self._run(np.stack([bands[at : at + _PART] for at in starts]))
        mean = vectors.mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean))

    def _bands(self, sound: Samples) -> Array:
        padded = np.pad(sound, _SPECTRUM // 2)
        window = np.hanning(_SPECTRUM + 1)[:-1]
        frames = np.lib.stride_tricks.sliding_window_view(padded, _SPECTRUM)[::_HOP] * window
        return np.asarray(np.abs(np.fft.rfft(frames, axis=1)) ** 2 @ self._filters.T, np.float32)

    def _run(self, course: Array) -> Array:
        for layer in range(_LAYERS):
            course = self._lstm(course, layer)
        out = course[:, -1] @ self._weights["linear.weight"].T + self._weights["linear.bias"]
        out = np.maximum(out, 0.0)
        return np.asarray(out / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-9))

    def _lstm(self, course: Array, layer: int) -> Array:
        inward, across = self._weights[f"lstm.weight_ih_l{layer}"], self._weights[f"lstm.weight_hh_l{layer}"]
        bias = self._weights[f"lstm.bias_ih_l{layer}"] + self._weights[f"lstm.bias_hh_l{layer}"]
        size = across.shape[1]
        hidden = cell = np.zeros((len(course), size), np.float32)
        steps = []
        for moment in np.moveaxis(course @ inward.T + bias, 1, 0):
            into, forget, new, out = np.split(moment + hidden @ across.T, 4, axis=1)
            cell = _sigmoid(forget) * cell + _sigmoid(into) * np.tanh(new)
            hidden = _sigmoid(out) * np.tanh(cell)
            steps.append(hidden)
        return np.stack(steps, axis=1)


def _sigmoid(values: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.maximum(values, -60.0))))


def _filters() -> NDArray[np.float64]:
    """Slaney's mel bands, each of the same area."""

    def mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(hertz < 1000, hertz * 3 / 200, 15 + 27 * np.log(np.maximum(hertz, 1.0) / 1000) / np.log(6.4))

    marks = np.linspace(0.0, float(mel(np.array(RATE / 2))), _BANDS + 2)
    edges = np.where(marks < 15, marks * 200 / 3, 1000 * np.exp((marks - 15) * np.log(6.4) / 27))[:, None]
    at = np.linspace(0, RATE / 2, _SPECTRUM // 2 + 1)
    rise = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - at) / (edges[2:] - edges[1:-1])
    return np.asarray(np.maximum(0.0, np.minimum(rise, fall)) * 2.0 / (edges[2:] - edges[:-2]))


class _Plain(pickle.Unpickler):
    """PyTorch's old format: a pickle that only names its storages, which follow as plain numbers."""

    def find_class(self, module: str, name: str) -> Any:
        if name == "_rebuild_tensor_v2":
            return lambda storage, offset, shape, stride, *_: (storage, offset, shape)
        if module == "collections" and name == "OrderedDict":
            return OrderedDict
        if module == "torch" and name.endswith("Storage"):
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is not expected here")

    def persistent_load(self, pid: Any) -> str:
        return str(pid[2])


def _read(path: Path) -> dict[str, Array]:
    file = io.BytesIO(path.read_bytes())
    for _ in range(3):
        _Plain(file).load()
    held = _Plain(file).load()["model_state"]
    storages = {}
    for key in _Plain(file).load():
        size = int.from_bytes(file.read(8), "little")
        storages[str(key)] = np.frombuffer(file.read(4 * size), "<f4")
    return {
        name: storages[key][offset : offset + int(np.prod(shape))].reshape(shape)
        for name, (key, offset, shape) in held.items()
    }
