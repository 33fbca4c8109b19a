"""CAM++ written as an ONNX network from its weights (Wang et al., "CAM++: A Fast and Efficient Network for Speaker
Verification Using Context-Aware Masking", 2023; names of the layers as in 3D-Speaker).

A small 2D network looks at the spectrum, a densely connected TDNN at its course; each of its layers is masked by what
the whole recording and each hundred frames of it are like. Normalisations behind a layer are folded into it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.assets.torchfile import Weights
from avatarium.engine.assets.writing import GraphWriter

BANDS = 80
DIMENSIONS = 192
SEGMENT = 100
"""Frames of the course that share a context."""
_BLOCKS = ((12, 1), (24, 2), (16, 2))
"""Layers of each dense block, and their dilation."""
_EPSILON = 1e-5

Array = NDArray[np.float32]


def campplus(weights: Weights) -> Any:
    """The network: features ``[batch, frames, 80]`` in, one vector ``[batch, 192]`` for each out."""
    return _Writer(weights).network()


class _Writer:
    def __init__(self, weights: Weights) -> None:
        self._held = weights
        self._graph = GraphWriter()

    def network(self) -> Any:
        bands_first = self._graph.add("Transpose", "features", perm=[0, 2, 1])
        course = self._spectrum(bands_first)
        course = self._relu(
            self._conv(course, "xvector.tdnn.linear", "xvector.tdnn.nonlinear", strides=[2], pads=[2, 2])
        )
        frames = self._graph.add("Shape", course, start=2, end=3)
        for block, (layers, dilation) in enumerate(_BLOCKS, 1):
            for layer in range(1, layers + 1):
                more = self._dense(course, f"xvector.block{block}.tdnnd{layer}", dilation, frames)
                course = self._graph.add("Concat", course, more, axis=1)
            course = self._relu(self._norm(course, f"xvector.transit{block}.nonlinear"))
            course = self._conv(course, f"xvector.transit{block}.linear")
        course = self._relu(self._norm(course, "xvector.out_nonlinear"))
        return self._graph.finish(
            "campplus",
            result=self._vector(course, frames),
            inputs={"features": ["batch", "frames", BANDS]},
            output=["batch", DIMENSIONS],
        )

    def _spectrum(self, bands: str) -> str:
        """The 2D part: 80 bands become 10 of 32 channels; time keeps its step."""
        picture = self._graph.add("Unsqueeze", bands, self._graph.ints(1))
        picture = self._relu(self._conv(picture, "head.conv1", "head.bn1", pads=[1, 1, 1, 1]))
        for layer in (1, 2):
            for place, step in enumerate((2, 1)):
                picture = self._residual(picture, f"head.layer{layer}.{place}", step)
        picture = self._relu(self._conv(picture, "head.conv2", "head.bn2", strides=[2, 1], pads=[1, 1, 1, 1]))
        return self._graph.add("Reshape", picture, self._graph.ints(0, 32 * BANDS // 8, -1))

    def _residual(self, picture: str, name: str, step: int) -> str:
        pads = [1, 1, 1, 1]
        inner = self._relu(self._conv(picture, f"{name}.conv1", f"{name}.bn1", strides=[step, 1], pads=pads))
        inner = self._conv(inner, f"{name}.conv2", f"{name}.bn2", pads=pads)
        if step != 1:
            picture = self._conv(picture, f"{name}.shortcut.0", f"{name}.shortcut.1", strides=[step, 1])
        return self._relu(self._graph.add("Add", inner, picture))

    def _dense(self, course: str, name: str, dilation: int, frames: str) -> str:
        course = self._relu(self._norm(course, f"{name}.nonlinear1"))
        course = self._relu(self._conv(course, f"{name}.linear1", f"{name}.nonlinear2"))
        local = self._conv(course, f"{name}.cam_layer.linear_local", pads=[dilation, dilation], dilations=[dilation])
        context = self._graph.add(
            "Add", self._graph.add("ReduceMean", course, axes=[2], keepdims=1), self._segments(course, frames)
        )
        mask = self._conv(self._relu(self._conv(context, f"{name}.cam_layer.linear1")), f"{name}.cam_layer.linear2")
        return self._graph.add("Mul", local, self._graph.add("Sigmoid", mask))

    def _segments(self, course: str, frames: str) -> str:
        """The mean of every hundred frames, as long as they last."""
        means = self._graph.add("AveragePool", course, kernel_shape=[SEGMENT], strides=[SEGMENT], ceil_mode=1)
        spread = self._graph.add("Unsqueeze", means, self._graph.ints(3))
        spread = self._graph.add("Expand", spread, self._graph.ints(1, 1, 1, SEGMENT))
        spread = self._graph.add("Reshape", spread, self._graph.ints(0, 0, -1))
        return self._graph.add("Slice", spread, self._graph.ints(0), frames, self._graph.ints(2))

    def _vector(self, course: str, frames: str) -> str:
        """Mean and spread over time, through the last layer."""
        mean = self._graph.add("ReduceMean", course, axes=[2], keepdims=1)
        apart = self._graph.add("Sub", course, mean)
        squares = self._graph.add("ReduceSum", self._graph.add("Mul", apart, apart), self._graph.ints(2), keepdims=1)
        free = self._graph.add("Cast", self._graph.add("Sub", frames, self._graph.ints(1)), to=1)
        spread = self._graph.add("Sqrt", self._graph.add("Div", squares, free))
        both = self._graph.add("Concat", mean, spread, axis=1)
        vector = self._conv(both, "xvector.dense.linear", "xvector.dense.nonlinear")
        return self._graph.add("Squeeze", vector, self._graph.ints(2))

    def _conv(self, value: str, name: str, norm: str = "", **attributes: Any) -> str:
        kernel, bias = self._held[f"{name}.weight"], self._held.get(f"{name}.bias")
        if norm:
            kernel, bias = self._folded(kernel, bias, norm)
        inputs = [value, self._graph.weight(f"{name}.weight", kernel)]
        if bias is not None:
            inputs.append(self._graph.weight(f"{name}.bias", bias))
        return self._graph.add("Conv", *inputs, **attributes)

    def _folded(self, kernel: Array, bias: Array | None, norm: str) -> tuple[Array, Array]:
        scale, shift = self._affine(norm)
        shape = (-1,) + (1,) * (kernel.ndim - 1)
        moved = shift if bias is None else shift + scale * bias.astype(np.float64)
        return (kernel.astype(np.float64) * scale.reshape(shape)).astype(np.float32), moved.astype(np.float32)

    def _norm(self, value: str, name: str) -> str:
        """A normalisation that nothing stands before."""
        scale, shift = self._affine(name)
        scaled = self._graph.add("Mul", value, self._graph.weight(f"{name}.scale", _column(scale)))
        return self._graph.add("Add", scaled, self._graph.weight(f"{name}.shift", _column(shift)))

    def _affine(self, norm: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        name = norm if f"{norm}.running_var" in self._held else f"{norm}.batchnorm"
        mean, var = (self._held[f"{name}.running_{part}"].astype(np.float64) for part in ("mean", "var"))
        gain, base = self._held.get(f"{name}.weight"), self._held.get(f"{name}.bias")
        scale = (1.0 if gain is None else gain.astype(np.float64)) / np.sqrt(var + _EPSILON)
        return scale, (0.0 if base is None else base.astype(np.float64)) - mean * scale

    def _relu(self, value: str) -> str:
        return self._graph.add("Relu", value)


def _column(values: NDArray[np.float64]) -> Array:
    return values.astype(np.float32).reshape(-1, 1)
