from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from avatarium.engine.speech.cloning.backward import Tape, append_gradients
from avatarium.engine.speech.models.sessions import open_session

Array = NDArray[np.float32]
Build = Callable[[Tape], str]
_RNG = np.random.default_rng(5)


def _noise(*shape: int) -> Array:
    return _RNG.standard_normal(shape).astype(np.float32)


def _run(graph: Any, outputs: list[str], fed: Mapping[str, Array]) -> list[Array]:
    copy = onnx.GraphProto()
    copy.CopyFrom(graph)
    copy.name = "test"
    copy.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    model = helper.make_model(copy, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    found: list[Array] = open_session(model.SerializeToString()).run(outputs, dict(fed))
    return found


def _checked(build: Build, x: Array, *, step: float = 1e-2, tolerance: float = 0.02) -> None:
    """The appended gradient against differences of the loss itself, along random ways."""
    graph = onnx.GraphProto()
    graph.input.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, [None] * x.ndim))
    tape = Tape(graph, {})
    value = build(tape)
    weights = _noise(*_run(graph, [value], {"x": x})[0].shape)
    tape.op("ReduceSum", tape.op("Mul", value, tape.constant(weights)), keepdims=0, name="loss")
    names = [name for node in graph.node for name in node.output]
    shapes = {name: np.shape(found) for name, found in zip(names, _run(graph, names, {"x": x}), strict=True)}
    shapes |= {tensor.name: tuple(tensor.dims) for tensor in graph.initializer} | {"x": x.shape}
    whole = Tape(graph, shapes)
    gradient = append_gradients(whole, "loss", ["x"])["x"]
    (slope,) = _run(graph, [gradient], {"x": x})
    assert slope.shape == x.shape
    for _ in range(3):
        way = _noise(*x.shape)
        way /= np.linalg.norm(way)
        up, down = (float(_run(graph, ["loss"], {"x": x + side * step * way})[0]) for side in (1, -1))
        assert float((slope * way).sum()) == pytest.approx((up - down) / (2 * step), rel=tolerance, abs=tolerance)


def _conv(tape: Tape, **attributes: Any) -> str:
    return tape.op("Conv", "x", tape.constant(_noise(6, 4, 3)), tape.constant(_noise(6)), **attributes)


NETWORKS: Mapping[str, tuple[Build, tuple[int, ...]]] = {
    "add": (lambda t: t.op("Add", "x", t.constant(_noise(4, 1))), (1, 4, 7)),
    "broadcast": (lambda t: t.op("Mul", "x", t.op("ReduceMean", "x", t.numbers(2), keepdims=1)), (1, 4, 7)),
    "square": (lambda t: t.op("Mul", "x", "x"), (3, 5)),
    "sub-div": (lambda t: t.op("Div", t.op("Sub", t.constant(1.0), "x"), t.op("Exp", "x")), (3, 5)),
    "norm": (
        lambda t: t.op("Div", "x", t.op("Sqrt", t.op("ReduceSum", t.op("Mul", "x", "x"), t.numbers(1), keepdims=1))),
        (2, 6),
    ),
    "matmul": (lambda t: t.op("MatMul", "x", t.constant(_noise(5, 3))), (2, 5)),
    "gemm": (lambda t: t.op("Gemm", "x", t.constant(_noise(3, 5)), transB=1), (2, 5)),
    "waves": (lambda t: t.op("Mul", t.op("Sin", "x"), t.op("Cos", "x")), (3, 5)),
    "snake": (lambda t: t.op("Pow", t.op("Sin", "x"), t.constant(2.0)), (3, 5)),
    "squash": (lambda t: t.op("Mul", t.op("Sigmoid", "x"), t.op("Tanh", "x")), (3, 5)),
    "log": (lambda t: t.op("Log", t.op("Max", t.op("Mul", "x", "x"), t.constant(1e-3))), (3, 5)),
    "leaky": (lambda t: t.op("LeakyRelu", "x", alpha=0.2), (3, 50)),
    "relu-abs": (lambda t: t.op("Add", t.op("Relu", "x"), t.op("Abs", "x")), (3, 50)),
    "shapes": (lambda t: t.op("Transpose", t.op("Unsqueeze", "x", t.numbers(0)), perm=[2, 0, 1]), (4, 7)),
    "expand": (lambda t: t.op("Expand", t.op("Unsqueeze", "x", t.numbers(2)), t.numbers(1, 1, 5)), (4, 7)),
    "slices": (lambda t: t.op("Slice", "x", t.numbers(1), t.numbers(-2), t.numbers(2)), (1, 4, 7)),
    "concat": (lambda t: t.op("Concat", "x", t.op("Exp", "x"), axis=1), (1, 4, 7)),
    "split": (lambda t: t.op("Exp", t.op("Split", "x", t.numbers(1, 3), outputs=2, axis=1)), (1, 4, 7)),
    "conv": (lambda t: _conv(t, pads=[1, 1]), (1, 4, 9)),
    "conv dilated": (lambda t: _conv(t, pads=[3, 3], dilations=[3]), (1, 4, 9)),
    "conv stride": (lambda t: _conv(t, strides=[2], pads=[1, 1]), (1, 4, 10)),
    "conv groups": (lambda t: t.op("Conv", "x", t.constant(_noise(6, 2, 3)), group=2, pads=[1, 1]), (1, 4, 9)),
    "conv 2d": (
        lambda t: t.op("Conv", "x", t.constant(_noise(3, 2, 3, 3)), strides=[2, 1], pads=[1, 1, 1, 1]),
        (1, 2, 8, 6),
    ),
    "conv up": (
        lambda t: t.op("ConvTranspose", "x", t.constant(_noise(4, 3, 6)), strides=[3], pads=[1, 2]),
        (1, 4, 7),
    ),
    "conv up depthwise": (
        lambda t: t.op(
            "ConvTranspose", "x", t.constant(_noise(4, 1, 3)), strides=[2], pads=[1, 1], output_padding=[1], group=4
        ),
        (1, 4, 7),
    ),
    "twice": (
        lambda t: t.op("Resize", "x", "", t.constant([1.0, 1.0, 2.0]), mode="nearest", nearest_mode="floor",
                       coordinate_transformation_mode="asymmetric"),
        (1, 4, 7),
    ),
    "pool whole": (lambda t: t.op("AveragePool", "x", kernel_shape=[4], strides=[4], ceil_mode=1), (1, 3, 8)),
    "pool rest": (lambda t: t.op("AveragePool", "x", kernel_shape=[4], strides=[4], ceil_mode=1), (1, 3, 10)),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_the_way_back_has_the_slope_of_the_way_forth(name: str) -> None:
    build, shape = NETWORKS[name]
    _checked(build, _noise(*shape))


def test_a_value_that_is_used_twice_gets_both_slopes() -> None:
    _checked(lambda t: t.op("Add", t.op("Exp", "x"), t.op("Mul", "x", t.op("Sin", "x"))), _noise(2, 3))


def test_the_root_of_nothing_has_a_finite_slope() -> None:
    graph = onnx.GraphProto()
    graph.input.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, None]))
    tape = Tape(graph, {"x": (1, 4), "square": (1, 4), "root": (1, 4), "loss": ()})
    tape.op("Mul", "x", "x", name="square")
    tape.op("Sqrt", "square", name="root")
    tape.op("ReduceSum", "root", keepdims=0, name="loss")
    gradient = append_gradients(tape, "loss", ["x"])["x"]
    (slope,) = _run(graph, [gradient], {"x": np.zeros((1, 4), np.float32)})
    assert np.all(slope == 0)


def test_an_operator_without_a_rule_is_named() -> None:
    graph = onnx.GraphProto()
    tape = Tape(graph, {"x": (3,), "erf": (3,), "loss": ()})
    tape.op("ReduceSum", tape.op("Erf", "x", name="erf"), keepdims=0, name="loss")
    with pytest.raises(ValueError, match="Erf"):
        append_gradients(tape, "loss", ["x"])


def test_a_loss_that_does_not_depend_on_the_wanted_value_is_refused() -> None:
    graph = onnx.GraphProto()
    tape = Tape(graph, {"x": (3,), "y": (3,), "loss": ()})
    tape.op("ReduceSum", "y", keepdims=0, name="loss")
    with pytest.raises(ValueError, match="depend"):
        append_gradients(tape, "loss", ["x"])
