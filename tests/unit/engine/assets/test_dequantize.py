"""On small networks quantised here by hand, in the patterns that dynamic quantisation writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from avatarium.engine.assets.dequantize import dequantize
from avatarium.engine.assets.graph import graph_sha256, save_by_tensor
from avatarium.engine.assets.recipes import add_output

Array = NDArray[Any]


def _f32(values: object) -> Array:
    return np.asarray(values, np.float32)


def _i8(values: object) -> Array:
    return np.asarray(values, np.int8)


RNG = np.random.default_rng(7)
X = RNG.normal(size=(1, 3, 16)).astype(np.float32)
WEIGHTS = RNG.integers(-127, 127, (4, 3, 3)).astype(np.int8)
SCALE = _f32([0.01, 0.02, 0.03, 0.04])
BIAS = RNG.normal(size=4).astype(np.float32)


def _tensor(name: str, values: Array) -> Any:
    return numpy_helper.from_array(np.asarray(values), name)


def _model(nodes: list[Any], tensors: list[Any], shape: list[Any], opset: int = 17) -> Any:
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, tensors)
    domains = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=domains, ir_version=9)


def _run(model: Any, x: Array) -> list[Array]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [np.asarray(value) for value in session.run(None, {"x": x})]


def _scaling(integer: str, scale: str) -> list[Any]:
    return [
        helper.make_node("Cast", [integer], ["float_sum"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x_scale", scale], ["scales"]),
        helper.make_node("Mul", ["float_sum", "scales"], ["y"]),
    ]


QUANTISED_INPUT = helper.make_node("DynamicQuantizeLinear", ["x"], ["x_q", "x_scale", "x_zero"])


def _quantised_convolution() -> Any:
    """Its bias is divided by the scales, rounded and added before the cast, as quantize_dynamic does it."""
    nodes = [
        QUANTISED_INPUT,
        helper.make_node("ConvInteger", ["x_q", "w", "x_zero", "w_zero"], ["sum"], name="conv", pads=[1, 1]),
        helper.make_node("Mul", ["x_scale", "w_scale"], ["bias_scale"]),
        helper.make_node("Div", ["bias", "bias_scale"], ["bias_divided"]),
        helper.make_node("Floor", ["bias_divided"], ["bias_floor"]),
        helper.make_node("Cast", ["bias_floor"], ["bias_int"], to=TensorProto.INT32),
        helper.make_node("Reshape", ["bias_int", "shape"], ["bias_q"]),
        helper.make_node("Add", ["sum", "bias_q"], ["biased"]),
        *_scaling("biased", "w_scale"),
    ]
    tensors = [
        _tensor("w", WEIGHTS),
        _tensor("w_zero", _i8(0)),
        _tensor("w_scale", _f32(0.01)),
        _tensor("bias", BIAS),
        _tensor("shape", np.asarray([1, 4, 1], np.int64)),
    ]
    return _model(nodes, tensors, [1, 3, 16])


def test_convolution_gives_the_exact_float_result() -> None:
    model = _quantised_convolution()
    quantised = _run(model, X)[0]
    dequantize(model.graph)
    result = _run(model, X)[0]
    padded = np.pad(X[0], ((0, 0), (1, 1)))
    windows = np.stack([padded[:, at : at + 3] for at in range(16)])
    truth = np.einsum("tck,ock->ot", windows, WEIGHTS * _f32(0.01)) + BIAS[:, None]
    np.testing.assert_allclose(result[0], truth, atol=1e-4)
    assert 0 < np.abs(quantised - result).max() < 0.2


def test_convolution_leaves_no_trace_of_the_quantisation() -> None:
    model = _quantised_convolution()
    dequantize(model.graph)
    assert [node.op_type for node in model.graph.node] == ["Conv"]
    assert sorted(tensor.name for tensor in model.graph.initializer) == ["bias", "w_f32"]
    assert model.graph.node[0].attribute[0].ints == [1, 1]


def test_product_with_a_scale_and_zero_point_for_every_column() -> None:
    weights = RNG.integers(0, 255, (16, 4)).astype(np.uint8)
    zeros = np.asarray([120, 128, 130, 140], np.uint8)
    nodes = [
        QUANTISED_INPUT,
        helper.make_node("MatMulInteger", ["x_q", "w", "x_zero", "w_zero"], ["sum"], name="product"),
        *_scaling("sum", "w_scale"),
    ]
    model = _model(nodes, [_tensor("w", weights), _tensor("w_zero", zeros), _tensor("w_scale", SCALE)], [1, 3, 16])
    dequantize(model.graph)
    truth = X @ ((weights.astype(np.float32) - zeros.astype(np.float32)) * SCALE)
    np.testing.assert_allclose(_run(model, X)[0], truth, rtol=1e-4, atol=1e-3)


def _sigmoid(values: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-values)))


def _recurrence(steps: Array, weights: Array, recurrence: Array, bias: Array) -> Array:
    """One direction of the ONNX operator LSTM (gates in the order input, output, forget, cell) in plain numpy."""
    hidden = recurrence.shape[0]
    state, cell, states = np.zeros(hidden), np.zeros(hidden), []
    for step in steps:
        gates = step @ weights + state @ recurrence + bias[: 4 * hidden] + bias[4 * hidden :]
        enter, leave, forget, change = np.split(gates, 4)
        cell = _sigmoid(forget) * cell + _sigmoid(enter) * np.tanh(change)
        state = _sigmoid(leave) * np.tanh(cell)
        states.append(state)
    return np.asarray(states)


def test_recurrent_layer_gives_the_result_of_its_weights() -> None:
    """Against numpy: the quantised operator itself is off by more than a tenth on weights like these."""
    hidden, width = 5, 16
    weights = RNG.integers(0, 255, (2, width, 4 * hidden)).astype(np.uint8)
    recurrence = RNG.integers(0, 255, (2, hidden, 4 * hidden)).astype(np.uint8)
    scales, zeros = _f32([0.003, 0.005]), np.asarray([128, 120], np.uint8)
    bias = RNG.normal(size=(2, 8 * hidden)).astype(np.float32)
    names = ["x", "w", "r", "b", "", "", "", "", "scale", "zero", "scale", "zero"]
    node = helper.make_node(
        "DynamicQuantizeLSTM", names, ["y"], domain="com.microsoft", hidden_size=hidden, direction="bidirectional"
    )
    values: dict[str, Array] = {"w": weights, "r": recurrence, "b": bias, "scale": scales, "zero": zeros}
    model = _model([node], [_tensor(name, value) for name, value in values.items()], [3, 1, width])
    dequantize(model.graph)
    assert [(node.op_type, node.domain) for node in model.graph.node] == [("LSTM", "")]

    x = RNG.normal(size=(3, 1, width)).astype(np.float32)
    result = _run(model, x)[0]
    for direction, order in enumerate((1, -1)):
        wide, deep = (
            (part[direction].astype(float) - zeros[direction]) * scales[direction] for part in (weights, recurrence)
        )
        truth = _recurrence(x[::order, 0], wide, deep, bias[direction])[::order]
        np.testing.assert_allclose(result[:, direction, 0], truth, atol=1e-5)


def test_stored_weights_are_unpacked_once_and_alive_nodes_stay() -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "w_scale", "w_zero"], ["w_float"]),
        helper.make_node("Mul", ["x", "w_float"], ["scaled"]),
        helper.make_node("Relu", ["scaled"], ["y"]),
        helper.make_node("Neg", ["scaled"], ["nobody_reads_this"]),
    ]
    stored = _i8([10, -20, 30])[:, None]
    tensors = [_tensor("w", stored), _tensor("w_scale", _f32(0.5)), _tensor("w_zero", _i8(2))]
    model = _model(nodes, tensors, [1, 3, 16])
    dequantize(model.graph)
    assert [node.op_type for node in model.graph.node] == ["Mul", "Relu"]
    np.testing.assert_array_equal(_run(model, X)[0], np.maximum(X * _f32([4, -11, 14])[:, None], 0))


def test_unknown_pattern_is_refused() -> None:
    nodes = [
        QUANTISED_INPUT,
        helper.make_node("ConvInteger", ["x_q", "w"], ["sum"], name="conv"),
        helper.make_node("Neg", ["sum"], ["y"]),
    ]
    with pytest.raises(ValueError, match="Neg"):
        dequantize(_model(nodes, [_tensor("w", WEIGHTS)], [1, 3, 16]).graph)


def test_inner_value_becomes_an_output_that_survives(tmp_path: Path) -> None:
    model = _quantised_convolution()
    model.graph.node.append(helper.make_node("Abs", ["y"], ["z"]))
    model.graph.output[0].name = "z"
    add_output(model, "y")
    dequantize(model.graph)
    z, y = _run(model, X)
    np.testing.assert_array_equal(z, np.abs(y))
    with pytest.raises(ValueError, match="no value"):
        add_output(model, "nothing")


def test_digest_is_the_same_however_the_file_was_written(tmp_path: Path) -> None:
    one, other = _quantised_convolution(), _quantised_convolution()
    tensors = list(other.graph.initializer)[::-1]
    del other.graph.initializer[:]
    other.graph.initializer.extend(tensors)
    other.producer_name = "somebody else"
    assert graph_sha256(one) == graph_sha256(other)
    onnx.save(one, str(tmp_path / "one.onnx"))
    assert graph_sha256(onnx.load(str(tmp_path / "one.onnx"))) == graph_sha256(one)


@pytest.mark.parametrize("change", ["weight", "attribute", "edge", "output"])
def test_digest_changes_with_what_is_computed(change: str) -> None:
    model = _quantised_convolution()
    before = graph_sha256(model)
    if change == "weight":
        changed = WEIGHTS.copy()
        changed[0, 0, 0] += 1
        model.graph.initializer[0].CopyFrom(_tensor("w", changed))
    elif change == "attribute":
        model.graph.node[1].attribute[0].ints[0] = 2
    elif change == "edge":
        model.graph.node[-1].input[0] = "scales"
    else:
        add_output(model, "scales")
    assert graph_sha256(model) != before


def test_network_written_tensor_by_tensor_is_the_same_network(tmp_path: Path) -> None:
    model = _quantised_convolution()
    before, result = graph_sha256(model), _run(model, X)[0]
    save_by_tensor(model, tmp_path / "net.onnx")
    read = onnx.load(str(tmp_path / "net.onnx"))
    assert graph_sha256(read) == before
    assert len(read.graph.initializer) == 5
    np.testing.assert_array_equal(_run(read, X)[0], result)
