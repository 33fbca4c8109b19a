"""Writing an ONNX network node by node: values are names, weights are put in under theirs."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

OPSET = 15
IR_VERSION = 8


class GraphWriter:
    """A network that grows at its end. Names of values are counted, so the same calls give the same network."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._weights: dict[str, Any] = {}

    def weight(self, name: str, values: NDArray[Any]) -> str:
        """Keep an array under a name; the second of a name must be the first."""
        self._weights.setdefault(name, numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def ints(self, *values: int) -> str:
        """A constant vector of integers."""
        return self.weight("ints_" + "_".join(map(str, values)), np.array(values, np.int64))

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """One more node; answers with the name of its first output, the others end in ``_1``, ``_2``."""
        name = f"v{len(self._nodes)}"
        names = [name, *(f"{name}_{i}" for i in range(1, outputs))]
        self._nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return name

    def finish(self, name: str, *, result: str, inputs: dict[str, list[Any]], output: list[Any]) -> Any:
        """The network, checked; its one output is ``output``.

        Args:
            name: of the network.
            result: the value that is its answer.
            inputs: shape of each; a text stands for any size.
            output: shape of the answer.
        """
        self._nodes.append(helper.make_node("Identity", [result], ["output"]))
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info(key, onnx.TensorProto.FLOAT, shape) for key, shape in inputs.items()],
            [helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, output)],
            list(self._weights.values()),
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return model
