"""pyannote's segmentation 3.0 written as an ONNX network from its weights (Bredin, "pyannote.audio 2.1 speaker
diarization pipeline", and Plaquet and Bredin, "Powerset multi-class cross entropy loss", both Interspeech 2023).

Filters whose edges were learnt (SincNet, Ravanelli and Bengio 2018), three convolutions, four LSTMs in both directions
and three layers tell for every 17 ms which of up to three voices of this window speak, two of them at most at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.assets.torchfile import Weights
from avatarium.engine.assets.writing import GraphWriter

RATE = 16_000
STATE = "state_dict"
"""Key of the checkpoint that holds the weights."""
CLASSES = 7
"""Nobody; voice 1, 2, 3; 1 and 2, 1 and 3, 2 and 3."""
_TAPS, _STEP = 251, 10
_LOWEST_HZ, _NARROWEST_HZ = 50.0, 50.0
_HIDDEN, _LSTMS = 128, 4
_LEAK = 0.01
_GRID = 2.0**-22
"""Taps are rounded to it, far below what can be heard, so that the last bit of a machine's sine changes no digest."""

Array = NDArray[np.float32]


def segmentation(weights: Weights) -> Any:
    """The network: sound ``[batch, 1, samples]`` at 16 kHz in, log probabilities ``[batch, frames, 7]`` out."""
    graph = GraphWriter()
    value = _normalised(graph, "samples", weights, "sincnet.wav_norm1d")
    for layer in range(3):
        value = _convolved(graph, value, weights, layer)
    value = graph.add("Transpose", value, perm=[2, 0, 1])
    for layer in range(_LSTMS):
        value = _remembered(graph, value, weights, layer)
    value = graph.add("Transpose", value, perm=[1, 0, 2])
    for layer in range(2):
        value = graph.add("LeakyRelu", _linear(graph, value, weights, f"linear.{layer}"), alpha=_LEAK)
    value = graph.add("LogSoftmax", _linear(graph, value, weights, "classifier"), axis=2)
    inputs: dict[str, list[Any]] = {"samples": ["batch", 1, "count"]}
    return graph.finish("segmentation", result=value, inputs=inputs, output=["batch", "frames", CLASSES])


def _convolved(graph: GraphWriter, value: str, weights: Weights, layer: int) -> str:
    if layer == 0:
        kernel = graph.weight("sincnet.filters", _filters(weights))
        value = graph.add("Abs", graph.add("Conv", value, kernel, strides=[_STEP]))
    else:
        held = (graph.weight(key, weights[key]) for key in (f"sincnet.conv1d.{layer}.{x}" for x in ("weight", "bias")))
        value = graph.add("Conv", value, *held)
    value = graph.add("MaxPool", value, kernel_shape=[3], strides=[3])
    return graph.add("LeakyRelu", _normalised(graph, value, weights, f"sincnet.norm1d.{layer}"), alpha=_LEAK)


def _normalised(graph: GraphWriter, value: str, weights: Weights, name: str) -> str:
    held = (graph.weight(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias"))
    return graph.add("InstanceNormalization", value, *held, epsilon=1e-5)


def _filters(weights: Weights) -> Array:
    """Forty band passes, even and odd, as 251 taps each."""
    low, band = (weights[f"sincnet.conv1d.0.filterbank.{x}_hz_"].astype(np.float64) for x in ("low", "band"))
    low = _LOWEST_HZ + np.abs(low)
    high = np.clip(low + _NARROWEST_HZ + np.abs(band), _LOWEST_HZ, RATE / 2)
    half = _TAPS // 2
    time = 2 * np.pi * np.arange(-half, 0.0)[None] / RATE
    window = np.hamming(_TAPS)[:half] / (time / 2)
    even = (np.sin(high @ time) - np.sin(low @ time)) * window
    odd = (np.cos(low @ time) - np.cos(high @ time)) * window
    width = 2 * (high - low)
    taps = np.concatenate(
        [
            np.concatenate([even, width, even[:, ::-1]], axis=1) / width,
            np.concatenate([odd, np.zeros_like(width), -odd[:, ::-1]], axis=1) / width,
        ]
    )
    rounded: Array = (np.round(taps / _GRID) * _GRID).astype(np.float32)[:, None]
    return rounded


def _remembered(graph: GraphWriter, value: str, weights: Weights, layer: int) -> str:
    """One LSTM in both directions; value and result are ``[frames, batch, channels]``."""
    both = ("", "_reverse")
    kernels = np.stack([_gates(weights[f"lstm.weight_ih_l{layer}{way}"]) for way in both])
    memory = np.stack([_gates(weights[f"lstm.weight_hh_l{layer}{way}"]) for way in both])
    bias = np.stack(
        [np.concatenate([_gates(weights[f"lstm.bias_{x}_l{layer}{way}"]) for x in ("ih", "hh")]) for way in both]
    )
    held = [graph.weight(f"lstm.{layer}.{name}", part) for name, part in (("w", kernels), ("r", memory), ("b", bias))]
    value = graph.add("LSTM", value, *held, hidden_size=_HIDDEN, direction="bidirectional")
    value = graph.add("Transpose", value, perm=[0, 2, 1, 3])
    return graph.add("Reshape", value, graph.ints(0, 0, 2 * _HIDDEN))


def _gates(rows: Array) -> Array:
    """Rows of the four gates from PyTorch's order (in, forget, cell, out) to that of ONNX (in, out, forget, cell)."""
    gate_in, forget, cell, out = np.split(rows, 4)
    ordered: Array = np.concatenate([gate_in, out, forget, cell])
    return ordered


def _linear(graph: GraphWriter, value: str, weights: Weights, name: str) -> str:
    kernel = graph.weight(f"{name}.kernel", weights[f"{name}.weight"].T)
    return graph.add("Add", graph.add("MatMul", value, kernel), graph.weight(f"{name}.bias", weights[f"{name}.bias"]))
