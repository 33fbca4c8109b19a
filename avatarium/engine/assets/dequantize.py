"""Turning a dynamically quantised ONNX network (int8 weights) back into float32.

Dynamic quantisation saves space on the wire and costs time on a CPU: every layer measures, rounds and scales its input
first. The patterns undone here are those that onnxruntime's ``quantize_dynamic`` writes:

- ``DynamicQuantizeLinear -> ConvInteger | MatMulInteger [-> Add bias] -> Cast -> Mul`` becomes ``Conv`` or ``MatMul``;
- ``DynamicQuantizeLSTM`` becomes ``LSTM``;
- ``DequantizeLinear`` of stored weights becomes the weights.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, numpy_helper

Weights = NDArray[np.float32]

_FLOAT_OPERATOR = {"ConvInteger": "Conv", "MatMulInteger": "MatMul"}
_LSTM_INPUTS = 12


def dequantize(graph: Any) -> None:
    """Rewrite an onnx ``GraphProto`` in place; the names of its inputs, outputs and remaining values stay.

    Raises:
        ValueError: a quantised layer does not look as described above.
    """
    _Dequantizer(graph).rewrite()


class _Dequantizer:
    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.stored = {tensor.name: tensor for tensor in graph.initializer}
        self.maker = {name: node for node in graph.node for name in node.output}
        self.users: dict[str, list[Any]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self.users[name].append(node)
        self.made: set[str] = set()
        self.taken_over: set[str] = set()
        """Outputs that a float layer now gives instead of the node that scaled its integer result."""

    def rewrite(self) -> None:
        rewritten = [(node.output[0], self._rewritten(node)) for node in self.graph.node]
        nodes = [node for output, node in rewritten if node is not None and output not in self.taken_over]
        self._replace(_needed(nodes, [output.name for output in self.graph.output]))

    def _rewritten(self, node: Any) -> Any:
        if node.op_type in _FLOAT_OPERATOR:
            return self._layer(node)
        if node.op_type == "DynamicQuantizeLSTM":
            return self._lstm(node)
        if node.op_type == "DequantizeLinear" and node.input[0] in self.stored:
            weights = (self._values(node.input[0]) - self._zero_point(node, 2)) * self._values(node.input[1])
            self._make(node.output[0], weights)
            return None
        return node

    def _layer(self, node: Any) -> Any:
        """One convolution or product, without the nodes around it that serve the quantisation only."""
        bias, cast = self._bias_and_cast(node)
        scaled = next(user for user in self.users[cast.output[0]] if user.op_type == "Mul")
        scales = self.maker[next(name for name in scaled.input if name != cast.output[0])]
        scale = self._values(next(name for name in scales.input if name in self.stored))
        weights = self._values(node.input[1])
        along = (-1,) + (1,) * (weights.ndim - 1) if node.op_type == "ConvInteger" else (-1,)
        zero = self._zero_point(node, 3)
        name = self._make(f"{node.input[1]}_f32", (weights - _shaped(zero, along)) * _shaped(scale, along))
        self.taken_over.add(scaled.output[0])
        unquantised = self.maker[node.input[0]].input[0]
        inputs = [unquantised, name, bias] if bias else [unquantised, name]
        return _renewed(node, _FLOAT_OPERATOR[node.op_type], inputs, scaled.output)

    def _bias_and_cast(self, node: Any) -> tuple[str, Any]:
        bias, follower = "", self.users[node.output[0]][0]
        if follower.op_type == "Add":
            bias = self._stored_origin(next(name for name in follower.input if name != node.output[0]))
            follower = self.users[follower.output[0]][0]
        if follower.op_type != "Cast":
            raise ValueError(f"{node.name} is followed by {follower.op_type} where a Cast was expected")
        return bias, follower

    def _stored_origin(self, name: str) -> str:
        """The float bias that ``Div, Floor, Cast, Reshape`` turned into an integer one."""
        while name not in self.stored:
            name = self.maker[name].input[0]
        return name

    def _lstm(self, node: Any) -> Any:
        names = list(node.input) + [""] * (_LSTM_INPUTS - len(node.input))
        x, weights, recurrence, *rest, w_scale, w_zero, r_scale, r_zero = names
        inputs = [
            x,
            self._lstm_weights(weights, w_scale, w_zero),
            self._lstm_weights(recurrence, r_scale, r_zero),
            *rest,
        ]
        while not inputs[-1]:
            inputs.pop()
        return _renewed(node, "LSTM", inputs, node.output)

    def _lstm_weights(self, name: str, scale_name: str, zero_name: str) -> str:
        """Weights [directions, inputs, 4 hidden] as the LSTM operator wants them: [directions, 4 hidden, inputs]."""
        scale, zero = (self._values(item) for item in (scale_name, zero_name))
        along = (len(scale), 1, -1) if scale.ndim else ()
        weights = (self._values(name) - zero.reshape(along)) * scale.reshape(along)
        return self._make(f"{name}_f32", weights.transpose(0, 2, 1))

    def _values(self, name: str) -> Weights:
        return np.asarray(numpy_helper.to_array(self.stored[name]), dtype=np.float32)

    def _zero_point(self, node: Any, index: int) -> Weights:
        given = len(node.input) > index and node.input[index]
        return self._values(node.input[index]) if given else np.zeros((), np.float32)

    def _make(self, name: str, weights: Weights) -> str:
        """Store weights under a name, straight in the graph: a second copy of all of them would be hundreds of MB."""
        if name not in self.made:
            self.made.add(name)
            tensor = self.graph.initializer.add(name=name, dims=weights.shape, data_type=TensorProto.FLOAT)
            tensor.raw_data = np.ascontiguousarray(weights, "<f4").tobytes()
        return name

    def _replace(self, nodes: list[Any]) -> None:
        used = {name for node in nodes for name in node.input}
        del self.graph.node[:]
        self.graph.node.extend(nodes)
        tensors = self.graph.initializer
        for index in reversed(range(len(tensors))):
            if tensors[index].name not in used:
                del tensors[index]


def _needed(nodes: list[Any], outputs: Sequence[str]) -> list[Any]:
    """The nodes that an output depends on, in their order; a maker comes before its users."""
    used, needed = set(outputs), []
    for node in reversed(nodes):
        if not used.isdisjoint(node.output):
            used.update(node.input)
            needed.append(node)
    return needed[::-1]


def _shaped(values: Weights, shape: tuple[int, ...]) -> Weights:
    return values.reshape(shape) if values.size > 1 else values


def _renewed(node: Any, operator: str, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    renewed = NodeProto(op_type=operator, name=node.name, input=inputs, output=outputs)
    renewed.attribute.extend(node.attribute)
    return renewed
