"""The baseline that speeds are put beside: one frame of the Wav2Lip generator on the same CPU.

The layers are those of Prajwal et al., A Lip Sync Expert Is All You Need for Speech to Lip Generation In The Wild, ACM
Multimedia 2020; the weights are random, because cost does not depend on them. Batch normalisation is folded into the
convolutions, as a fair user would. Face detection, the audio spectrogram and pasting back are not counted: the baseline
errs in the other side's favour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

FACE_PX = 96
AUDIO_SHAPE = (1, 80, 16)
"""One channel, 80 mel bands, 16 steps: 0.2 s of speech."""
FACE_SHAPE = (6, FACE_PX, FACE_PX)
"""The frame with its lower half blanked, and a reference frame."""
OPSET = 17
IR_VERSION = 9

Pair = tuple[int, int]
Shape = tuple[int, int, int]
"""Channels, height, width."""


class Kind(Enum):
    """What a layer does around its convolution."""

    PLAIN = auto()
    """Convolution, ReLU."""
    RESIDUAL = auto()
    """Convolution, plus its input, ReLU."""
    UP = auto()
    """Transposed convolution, ReLU."""
    LAST = auto()
    """Convolution, sigmoid."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One row of the layer table."""

    inputs: int
    outputs: int
    kernel: int = 3
    stride: Pair = (1, 1)
    padding: int = 1
    kind: Kind = Kind.PLAIN
    growth: int = 0
    """Output padding of a transposed convolution."""

    def size(self, height: int, width: int) -> Pair:
        """Output height and width."""
        if self.kind is Kind.UP:
            return self._grown(height, 0), self._grown(width, 1)
        return self._shrunk(height, 0), self._shrunk(width, 1)

    def _shrunk(self, side: int, axis: int) -> int:
        return (side + 2 * self.padding - self.kernel) // self.stride[axis] + 1

    def _grown(self, side: int, axis: int) -> int:
        return (side - 1) * self.stride[axis] - 2 * self.padding + self.kernel + self.growth


def _down(inputs: int, outputs: int, residuals: int, stride: Pair = (2, 2)) -> tuple[Layer, ...]:
    return (Layer(inputs, outputs, stride=stride), *_residuals(outputs, residuals))


def _residuals(channels: int, count: int) -> tuple[Layer, ...]:
    return (Layer(channels, channels, kind=Kind.RESIDUAL),) * count


def _up(inputs: int, outputs: int) -> tuple[Layer, ...]:
    return (Layer(inputs, outputs, stride=(2, 2), kind=Kind.UP, growth=1), *_residuals(outputs, 2))


_BOTTOM = (Layer(512, 512, kernel=1, padding=0),)
FACE_ENCODER: tuple[tuple[Layer, ...], ...] = (
    (Layer(6, 16, kernel=7, padding=3),),
    _down(16, 32, 2),
    _down(32, 64, 3),
    _down(64, 128, 2),
    _down(128, 256, 2),
    _down(256, 512, 1),
    (Layer(512, 512, padding=0), *_BOTTOM),
)
AUDIO_ENCODER: tuple[Layer, ...] = (
    *_down(1, 32, 2, stride=(1, 1)),
    *_down(32, 64, 2, stride=(3, 1)),
    *_down(64, 128, 2, stride=(3, 3)),
    *_down(128, 256, 1, stride=(3, 2)),
    Layer(256, 512, padding=0),
    *_BOTTOM,
)
FACE_DECODER: tuple[tuple[Layer, ...], ...] = (
    _BOTTOM,
    (Layer(1024, 512, padding=0, kind=Kind.UP), *_residuals(512, 1)),
    _up(1024, 512),
    _up(768, 384),
    _up(512, 256),
    _up(320, 128),
    _up(160, 64),
)
OUTPUT: tuple[Layer, ...] = (Layer(80, 32), Layer(32, 3, kernel=1, padding=0, kind=Kind.LAST))


@dataclass
class _Graph:
    """Nodes and weights while they are put together; counts what they cost."""

    random: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)
    parameters: int = 0
    products: int = 0

    def chain(self, name: str, source: str, shape: Shape, layers: Sequence[Layer]) -> tuple[str, Shape]:
        for index, layer in enumerate(layers):
            source, shape = self.layer(f"{name}.{index}", source, shape, layer)
        return source, shape

    def layer(self, name: str, source: str, shape: Shape, layer: Layer) -> tuple[str, Shape]:
        assert shape[0] == layer.inputs, (name, shape)
        height, width = layer.size(*shape[1:])
        up = layer.kind is Kind.UP
        channels = (layer.inputs, layer.outputs) if up else (layer.outputs, layer.inputs)
        spread = np.sqrt(2 / (layer.inputs * layer.kernel**2))
        weight = self.random.normal(0, spread, (*channels, layer.kernel, layer.kernel))
        self._keep(f"{name}.w", weight)
        self._keep(f"{name}.b", np.zeros(layer.outputs))
        # A transposed convolution multiplies at every input place, a plain one at every output place.
        self.products += weight.size * (shape[1] * shape[2] if up else height * width)
        options = {"kernel_shape": [layer.kernel] * 2, "strides": list(layer.stride), "pads": [layer.padding] * 4}
        if up:
            options["output_padding"] = [layer.growth] * 2
        operator = "ConvTranspose" if up else "Conv"
        result = self._node(operator, [source, f"{name}.w", f"{name}.b"], f"{name}.y", **options)
        if layer.kind is Kind.RESIDUAL:
            result = self._node("Add", [result, source], f"{name}.sum")
        activation = "Sigmoid" if layer.kind is Kind.LAST else "Relu"
        return self._node(activation, [result], f"{name}.out"), (layer.outputs, height, width)

    def join(self, name: str, one: tuple[str, Shape], other: tuple[str, Shape]) -> tuple[str, Shape]:
        (left, shape), (right, beside) = one, other
        assert shape[1:] == beside[1:], (name, shape, beside)
        return self._node("Concat", [left, right], name, axis=1), (shape[0] + beside[0], *shape[1:])

    def _node(self, operator: str, inputs: list[str], output: str, **options: int | list[int]) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **options))
        return output

    def _keep(self, name: str, values: NDArray[np.float64]) -> None:
        self.parameters += values.size
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """The network as an ONNX file in memory, with what it costs on paper."""

    model: bytes
    parameters: int
    products: int
    """Multiply-accumulates of one frame."""


def build(seed: int = 0) -> Generator:
    """Build the generator for one frame; inputs ``audio`` and ``face``, output ``frame`` of shape (1, 3, 96, 96)."""
    graph = _Graph(random=np.random.default_rng(seed))
    sound = graph.chain("audio_encoder", "audio", AUDIO_SHAPE, AUDIO_ENCODER)
    seen: tuple[str, Shape] = ("face", FACE_SHAPE)
    skips = []
    for index, block in enumerate(FACE_ENCODER):
        seen = graph.chain(f"face_encoder.{index}", *seen, block)
        skips.append(seen)
    made = sound
    for index, block in enumerate(FACE_DECODER):
        made = graph.chain(f"face_decoder.{index}", *made, block)
        made = graph.join(f"skip.{index}", made, skips.pop())
    last, shape = graph.chain("output", *made, OUTPUT)
    return Generator(model=_serialise(graph, last, shape), parameters=graph.parameters, products=graph.products)


def _serialise(graph: _Graph, last: str, shape: Shape) -> bytes:
    inputs = [_value("audio", AUDIO_SHAPE), _value("face", FACE_SHAPE)]
    made = helper.make_graph(graph.nodes, "wav2lip-generator", inputs, [_value(last, shape)], graph.weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _value(name: str, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *shape])


def frame_maker(generator: Generator, seed: int = 0) -> Callable[[], NDArray[np.float32]]:
    """A function that runs the generator for one frame on one thread of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    session = onnxruntime.InferenceSession(generator.model, options, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(seed)
    feed = {
        "audio": random.normal(size=(1, *AUDIO_SHAPE)).astype(np.float32),
        "face": random.random((1, *FACE_SHAPE), np.float32),
    }
    return lambda: np.asarray(session.run(None, feed)[0])
