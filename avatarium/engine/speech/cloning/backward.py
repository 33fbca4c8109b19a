"""Gradients of an ONNX network as more ONNX: nodes that run the network backwards are appended to its graph.

Reverse accumulation (Griewank and Walther 2008) over the operators that speech decoders and speaker nets are made of.
The result runs in onnxruntime as any network does, so that learning needs no framework beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

Shapes = Mapping[str, tuple[int, ...]]
"""Shapes of values as one run had them. Only their ranks, which sizes are 1, and sizes that never change are used."""


class Tape:
    """An ONNX graph that is written node by node."""

    def __init__(self, graph: Any, shapes: Shapes) -> None:
        self.graph = graph
        self.shapes = dict(shapes)
        self.stored = {tensor.name: tensor for tensor in graph.initializer}
        self.live: set[str] = set()
        """What depends on the wanted values."""
        self._numbers = count(len(graph.node))
        self._known: dict[tuple[bytes, str, tuple[int, ...]], str] = {}

    def op(self, kind: str, *inputs: str, outputs: int = 1, name: str = "", **attributes: Any) -> str:
        """Append a node; the name of its (first) output. Further outputs end in ``.1``, ``.2`` ..."""
        first = name or f"back/{kind}.{next(self._numbers)}"
        names = [first, *(f"{first}.{i}" for i in range(1, outputs))]
        self.graph.node.append(helper.make_node(kind, list(inputs), names, **attributes))
        return first

    def constant(self, value: Any, kind: type = np.float32) -> str:
        """Store an array; the same one is stored once."""
        array: np.ndarray[Any, Any] = np.asarray(value, kind, order="C")
        key = (array.tobytes() if array.size < 64 else str(next(self._numbers)).encode(), str(kind), array.shape)
        if key not in self._known:
            self._known[key] = f"back/stored.{len(self.graph.initializer)}"
            self.graph.initializer.append(numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def numbers(self, *values: int) -> str:
        """Store whole numbers."""
        return self.constant(np.array(values, np.int64), np.int64)

    def array(self, name: str) -> np.ndarray[Any, Any]:
        """A stored weight."""
        array: np.ndarray[Any, Any] = numpy_helper.to_array(self.stored[name])
        return array


def append_gradients(tape: Tape, loss: str, wanted: Sequence[str]) -> dict[str, str]:
    """Append the gradients of the scalar ``loss`` by the ``wanted`` values; their names by the values' names.

    Raises:
        ValueError: an operator on the way has no rule, or a wanted value does not reach the loss.
    """
    live = tape.live = _reached(tape.graph, wanted)
    parts: dict[str, list[str]] = defaultdict(list)
    parts[loss].append(tape.op("Expand", tape.constant(1.0), tape.op("Shape", loss)))
    for node in [node for node in reversed(tape.graph.node) if any(name in live for name in node.input)]:
        gradients = [_summed(tape, parts, name) for name in node.output]
        if not any(gradients):
            continue
        rule = _RULES.get(node.op_type)
        if rule is None:
            raise ValueError(f"no rule for going back through {node.op_type}")
        for name, gradient in zip(node.input, rule(tape, node, gradients), strict=False):
            if gradient and name in live:
                parts[name].append(gradient)
    found = {name: _summed(tape, parts, name) for name in wanted}
    if not all(found.values()):
        raise ValueError("the loss does not depend on every wanted value")
    return found


def _reached(graph: Any, wanted: Sequence[str]) -> set[str]:
    live = set(wanted)
    for node in graph.node:
        if node.op_type != "Shape" and any(name in live for name in node.input):
            live.update(node.output)
    return live


def _summed(tape: Tape, parts: dict[str, list[str]], name: str) -> str:
    terms = parts.get(name, [])
    while len(terms) > 1:
        terms[:2] = [tape.op("Add", terms[0], terms[1])]
    return terms[0] if terms else ""


Rule = Callable[[Tape, Any, list[str]], Sequence[str]]
"""A tape, a node and the gradients of its outputs (empty where none came) to those of its inputs."""


def _attribute(node: Any, name: str, default: Any) -> Any:
    for attribute in node.attribute:
        if attribute.name == name:
            return helper.get_attribute_value(attribute)
    return default


def _fitted(tape: Tape, gradient: str, name: str, output: str) -> str:
    """A gradient summed over the axes along which an operand was repeated."""
    shape, wide = tape.shapes[name], tape.shapes[output]
    lead = len(wide) - len(shape)
    axes = [i for i in range(len(wide)) if i < lead or (shape[i - lead] == 1 and wide[i] > 1)]
    if axes:
        gradient = tape.op("ReduceSum", gradient, tape.numbers(*axes), keepdims=1)
    return tape.op("Squeeze", gradient, tape.numbers(*range(lead))) if lead else gradient


def _both(tape: Tape, node: Any, left: str, right: str) -> list[str]:
    pairs = zip(node.input, (left, right), strict=True)
    return [_fitted(tape, g, name, node.output[0]) if g else "" for name, g in pairs]


def _moves(tape: Tape, name: str) -> bool:
    return name in tape.live


def _add(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    return _both(tape, node, *(g[0] if _moves(tape, name) else "" for name in node.input))


def _subtract(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    return _both(tape, node, g[0], tape.op("Neg", g[0]) if _moves(tape, node.input[1]) else "")


def _multiply(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    a, b = node.input
    if a == b:
        return [tape.op("Mul", g[0], tape.op("Mul", tape.constant(2.0), a))]
    return _both(
        tape,
        node,
        tape.op("Mul", g[0], b) if _moves(tape, a) else "",
        tape.op("Mul", g[0], a) if _moves(tape, b) else "",
    )


def _divide(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    over = tape.op("Div", g[0], node.input[1])
    under = ""
    if _moves(tape, node.input[1]):
        under = tape.op("Neg", tape.op("Mul", over, node.output[0]))
    return _both(tape, node, over, under)


def _matrix(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    turned = tape.constant(np.swapaxes(tape.array(node.input[1]), -1, -2))
    return [tape.op("MatMul", g[0], turned)]


def _gemm(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    weights = tape.array(node.input[1]) * _attribute(node, "alpha", 1.0)
    return [tape.op("MatMul", g[0], tape.constant(weights if _attribute(node, "transB", 0) else weights.T))]


def _leaky(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    slope = tape.constant(_attribute(node, "alpha", 0.01) if node.op_type == "LeakyRelu" else 0.0)
    above = tape.op("Greater", node.input[0], tape.constant(0.0))
    return [tape.op("Mul", g[0], tape.op("Where", above, tape.constant(1.0), slope))]


def _sine(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    return [tape.op("Mul", g[0], tape.op("Cos", node.input[0]))]


def _cosine(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    return [tape.op("Neg", tape.op("Mul", g[0], tape.op("Sin", node.input[0])))]


def _exponential(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    return [tape.op("Mul", g[0], node.output[0])]


def _logarithm(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    return [tape.op("Div", g[0], node.input[0])]


def _root(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    """A root of nothing has no slope; it is given a finite one, which what made the nothing then takes to zero."""
    return [
        tape.op("Div", tape.op("Mul", g[0], tape.constant(0.5)), tape.op("Max", node.output[0], tape.constant(1e-5)))
    ]


def _power(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    exponent = float(tape.array(node.input[1]).reshape(-1)[0])
    base = node.input[0] if exponent == 2.0 else tape.op("Pow", node.input[0], tape.constant(exponent - 1.0))
    return [tape.op("Mul", g[0], tape.op("Mul", base, tape.constant(exponent)))]


def _magnitude(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    return [tape.op("Mul", g[0], tape.op("Sign", node.input[0]))]


def _sigmoid(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    rest = tape.op("Sub", tape.constant(1.0), node.output[0])
    return [tape.op("Mul", g[0], tape.op("Mul", node.output[0], rest))]


def _tanh(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    rest = tape.op("Sub", tape.constant(1.0), tape.op("Mul", node.output[0], node.output[0]))
    return [tape.op("Mul", g[0], rest)]


def _floor(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    """Max or Clip with a stored floor."""
    above = tape.op("Greater", node.input[0], node.input[1])
    return [tape.op("Mul", g[0], tape.op("Cast", above, to=onnx.TensorProto.FLOAT))]


def _same(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    return [g[0]]


def _reshaped(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    """Reshape, Squeeze, Unsqueeze and Flatten only change how the same numbers are counted."""
    return [tape.op("Reshape", g[0], tape.op("Shape", node.input[0]))]


def _turned(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    order = list(_attribute(node, "perm", range(len(tape.shapes[node.input[0]]))[::-1]))
    return [tape.op("Transpose", g[0], perm=[order.index(i) for i in range(len(order))])]


def _axes(tape: Tape, node: Any) -> list[int]:
    given = tape.array(node.input[1]).tolist() if len(node.input) > 1 else _attribute(node, "axes", None)
    rank = len(tape.shapes[node.input[0]])
    return [axis % rank for axis in (range(rank) if given is None else given)]


def _reduced(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    """ReduceSum and ReduceMean."""
    axes, gradient, shape = _axes(tape, node), g[0], tape.op("Shape", node.input[0])
    if not _attribute(node, "keepdims", 1):
        gradient = tape.op("Unsqueeze", gradient, tape.numbers(*axes))
    if node.op_type != "ReduceSum":
        sizes = tape.op("Cast", tape.op("Gather", shape, tape.numbers(*axes)), to=onnx.TensorProto.FLOAT)
        gradient = tape.op("Div", gradient, tape.op("ReduceProd", sizes, keepdims=0))
    return [tape.op("Expand", gradient, shape)]


def _pooled(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    """AveragePool over stretches that do not overlap, the last of which may be shorter."""
    size = _attribute(node, "kernel_shape", [])[0]
    shape = tape.op("Shape", node.input[0])
    length = tape.op("Slice", shape, tape.numbers(2), tape.numbers(3))
    counted = tape.op("Concat", tape.op("Shape", g[0], start=2, end=3), tape.numbers(size), axis=0)
    whole = tape.op("Sub", tape.op("ReduceProd", counted, keepdims=1), length)
    ones = tape.op("Expand", tape.constant([[[1.0]]]), length)
    filled = tape.op("Pad", ones, tape.op("Concat", tape.numbers(0, 0, 0, 0, 0), whole, axis=0))
    counts = tape.op("ReduceSum", tape.op("Reshape", filled, tape.numbers(1, 1, -1, size)), tape.numbers(3), keepdims=0)
    shares = tape.op("Unsqueeze", tape.op("Div", g[0], counts), tape.numbers(3))
    spread = tape.op("Expand", shares, tape.numbers(1, 1, 1, size))
    flat = tape.op("Reshape", spread, tape.numbers(0, 0, -1))
    return [tape.op("Slice", flat, tape.numbers(0), length, tape.numbers(2))]


def _expanded(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    return [_fitted(tape, g[0], node.input[0], node.output[0])]


def _joined(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    axis = _attribute(node, "axis", 0)
    sizes = tape.numbers(*(tape.shapes[name][axis] for name in node.input))
    first = tape.op("Split", g[0], sizes, outputs=len(node.input), axis=axis)
    return [first, *(f"{first}.{i}" for i in range(1, len(node.input)))]


def _split(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    none = tape.constant(0.0)
    filled = [part or tape.op("Mul", name, none) for part, name in zip(g, node.output, strict=True)]
    return [tape.op("Concat", *filled, axis=_attribute(node, "axis", 0))]


def _sliced(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    """Steps of one; from the start to an end that is worked out, or with ends that do not depend on the length."""
    if node.input[2] not in tape.stored:
        return [_lengthened(tape, g[0], node.input[0])]
    shape = tape.shapes[node.input[0]]
    starts, ends = (tape.array(name).tolist() for name in node.input[1:3])
    axes = tape.array(node.input[3]).tolist() if len(node.input) > 3 else range(len(starts))
    before, after = [0] * len(shape), [0] * len(shape)
    for start, end, axis in zip(starts, ends, axes, strict=True):
        size = shape[axis]
        before[axis] = start if start >= 0 else size + start
        after[axis] = size - min(end, size) if end >= 0 else -end
    return [tape.op("Pad", g[0], tape.numbers(*before, *after))]


def _padded(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    """The gradient of what a border mirrors is let go: it is a sample in ten thousand."""
    pads = tape.array(node.input[1]).tolist()
    half = len(pads) // 2
    ends = [-pads[i + half] or np.iinfo(np.int64).max for i in range(half)]
    return [tape.op("Slice", g[0], tape.numbers(*pads[:half]), tape.numbers(*ends), tape.numbers(*range(half)))]


def _doubled(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    """Resize: every value of the last axis twice."""
    pooled = tape.op("AveragePool", g[0], kernel_shape=[2], strides=[2])
    return [tape.op("Mul", pooled, tape.constant(2.0))]


def _normalised(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    """BatchNormalization with stored statistics is one factor for each channel."""
    scale, _, _, variance = (tape.array(name) for name in node.input[1:5])
    factor = scale / np.sqrt(variance + _attribute(node, "epsilon", 1e-5))
    rank = len(tape.shapes[node.input[0]])
    return [tape.op("Mul", g[0], tape.constant(factor.reshape(1, -1, *[1] * (rank - 2))))]


def _mirrored(weights: np.ndarray[Any, Any], groups: int) -> np.ndarray[Any, Any]:
    """The weights of the convolution that goes back through one of stride 1."""
    out, inside, *kernel = weights.shape
    parts = weights.reshape(groups, out // groups, inside, *kernel).swapaxes(1, 2)
    flipped = np.flip(parts, axis=tuple(range(3, parts.ndim)))
    return flipped.reshape(groups * inside, out // groups, *kernel)


def _convolved(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    weights = tape.array(node.input[1])
    kernel = weights.shape[2:]
    strides = list(_attribute(node, "strides", [1] * len(kernel)))
    dilations = list(_attribute(node, "dilations", [1] * len(kernel)))
    pads = list(_attribute(node, "pads", [0] * 2 * len(kernel)))
    group = _attribute(node, "group", 1)
    if any(step > 1 for step in strides):
        uncut = [*pads[: len(kernel)], *[0] * len(kernel)]
        back = tape.op(
            "ConvTranspose", g[0], node.input[1], strides=strides, dilations=dilations, pads=uncut, group=group
        )
        return [_lengthened(tape, back, node.input[0])]
    spans = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
    turned = [span - pad for span, pad in zip(spans * 2, pads, strict=True)]
    mirrored = tape.constant(_mirrored(weights, group))
    return [tape.op("Conv", g[0], mirrored, dilations=dilations, pads=turned, group=group)]


def _lengthened(tape: Tape, gradient: str, name: str) -> str:
    """Zeros at the end for what was not reached; what lies beyond the end is cut off."""
    missing = tape.op("Sub", tape.op("Shape", name), tape.op("Shape", gradient))
    none = tape.numbers(*[0] * len(tape.shapes[name]))
    return tape.op("Pad", gradient, tape.op("Concat", none, missing, axis=0))


def _convolved_up(tape: Tape, node: Any, g: list[str]) -> Sequence[str]:
    names = ("strides", "pads", "dilations", "group")
    kept = {name: value for name in names if (value := _attribute(node, name, None)) is not None}
    return [tape.op("Conv", g[0], node.input[1], **kept)]


_RULES: Mapping[str, Rule] = {
    "Add": _add,
    "Sub": _subtract,
    "Mul": _multiply,
    "Div": _divide,
    "MatMul": _matrix,
    "Gemm": _gemm,
    "LeakyRelu": _leaky,
    "Relu": _leaky,
    "Sin": _sine,
    "Cos": _cosine,
    "Exp": _exponential,
    "Log": _logarithm,
    "Sqrt": _root,
    "Pow": _power,
    "Abs": _magnitude,
    "Sigmoid": _sigmoid,
    "Tanh": _tanh,
    "Max": _floor,
    "Clip": _floor,
    "Identity": _same,
    "Reshape": _reshaped,
    "Squeeze": _reshaped,
    "Unsqueeze": _reshaped,
    "Flatten": _reshaped,
    "Transpose": _turned,
    "ReduceSum": _reduced,
    "ReduceMean": _reduced,
    "AveragePool": _pooled,
    "Expand": _expanded,
    "Concat": _joined,
    "Split": _split,
    "Slice": _sliced,
    "Pad": _padded,
    "Resize": _doubled,
    "BatchNormalization": _normalised,
    "Conv": _convolved,
    "ConvTranspose": _convolved_up,
}
