"""Spleeter's two stems written as an ONNX network (Hennequin et al., "Spleeter: a fast and efficient music source
separation tool with pre-trained models", 2020).

Two U-Nets look at the magnitudes of one spectrogram; what one says of the voice and the other of the rest is joined
into the share of the voice in every bin, so that the two stems are the mixture again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from avatarium.engine.assets.tfcheckpoint import Weights
from avatarium.engine.assets.writing import GraphWriter

FRAMES, BINS = 512, 1024
_STEPS = 6
_BOTH: dict[str, Any] = {"strides": [2, 2], "pads": [1, 1, 2, 2]}
_LAST: dict[str, Any] = {"strides": [1, 1], "pads": [3, 3, 3, 3], "dilations": [2, 2]}
_EPSILON = 1e-3
"""Of the normalisations, as TensorFlow has it."""
_LEAK = 0.2
_SQUARED_EPSILON = 1e-10


def spleeter(weights: Weights) -> Any:
    """The network: magnitudes ``[batch, 2, 512, 1024]`` of two channels in, the share of the voice, 0..1, out."""
    return _Writer(weights).network()


class _Writer:
    def __init__(self, weights: Weights) -> None:
        self._held = weights
        self._graph = GraphWriter()

    def network(self) -> Any:
        voice, rest = (self._graph.add("Mul", mask, mask) for mask in (self._unet(0), self._unet(1)))
        small = self._graph.weight("epsilon", np.array(_SQUARED_EPSILON, np.float32))
        half = self._graph.weight("half_epsilon", np.array(_SQUARED_EPSILON / 2, np.float32))
        whole = self._graph.add("Add", self._graph.add("Add", voice, rest), small)
        share = self._graph.add("Div", self._graph.add("Add", voice, half), whole)
        shape = ["batch", 2, FRAMES, BINS]
        return self._graph.finish("spleeter", result=share, inputs={"magnitudes": shape}, output=shape)

    def _unet(self, number: int) -> str:
        """One of the two, as it is numbered in the checkpoint: the mask that it would lay over the magnitudes."""
        convolutions, norms, back = number * (_STEPS + 1), number * 2 * _STEPS, number * _STEPS
        course, kept = "magnitudes", []
        for step in range(_STEPS):
            seen = self._conv(course, convolutions + step, _BOTH)
            kept.append(seen)
            course = self._graph.add("LeakyRelu", self._norm(seen, norms + step), alpha=_LEAK)
        course = kept[-1]
        for step in range(_STEPS):
            course = self._norm(self._grown(course, back + step), norms + _STEPS + step)
            if step < _STEPS - 1:
                course = self._graph.add("Concat", kept[_STEPS - 2 - step], course, axis=1)
        return self._graph.add("Sigmoid", self._conv(course, convolutions + _STEPS, _LAST))

    def _conv(self, course: str, number: int, how: dict[str, Any]) -> str:
        layer = _numbered("conv2d", number)
        kernel = self._graph.weight(f"{layer}.kernel", self._held[f"{layer}/kernel"].transpose(3, 2, 0, 1))
        bias = self._graph.weight(f"{layer}.bias", self._held[f"{layer}/bias"])
        return self._graph.add("Conv", course, kernel, bias, **how)

    def _grown(self, course: str, number: int) -> str:
        layer = _numbered("conv2d_transpose", number)
        kernel = self._graph.weight(f"{layer}.kernel", self._held[f"{layer}/kernel"].transpose(3, 2, 0, 1))
        bias = self._graph.weight(f"{layer}.bias", self._held[f"{layer}/bias"])
        return self._graph.add("Relu", self._graph.add("ConvTranspose", course, kernel, bias, **_BOTH))

    def _norm(self, course: str, number: int) -> str:
        layer = _numbered("batch_normalization", number)
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        values = [self._graph.weight(f"{layer}.{name}", self._held[f"{layer}/{name}"]) for name in names]
        return self._graph.add("BatchNormalization", course, *values, epsilon=_EPSILON)


def _numbered(layer: str, number: int) -> str:
    return layer if number == 0 else f"{layer}_{number}"
