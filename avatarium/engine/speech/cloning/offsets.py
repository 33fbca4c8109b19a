"""A second way into Kokoro's voice: what every adaptive normalisation of its decoder is told, changed one by one.

A style, 128 numbers, goes through a layer into the factors and shifts of each of 56 normalisations. The styles that
exist reach few of the voices that the decoder could speak with; offsets behind these layers reach many more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

OFFSETS = "offsets"
"""The input that is added, ``[1, OFFSETS_SIZE]``, float32."""
OFFSETS_SIZE = 37_396
_LAYER = "fc/Gemm_output_0"
_DECODER = "/decoder/"


def kokoro_with_offsets(kokoro: Path) -> bytes:
    """Kokoro's network with one input more; with nothing but zeros there it says what it always did."""
    model = onnx.load(str(kokoro))
    append_offsets(model.graph)
    model.graph.input.append(helper.make_tensor_value_info(OFFSETS, onnx.TensorProto.FLOAT, [1, OFFSETS_SIZE]))
    return bytes(model.SerializeToString())


def append_offsets(graph: Any) -> int:
    """Let a graph with Kokoro's decoder add :data:`OFFSETS` to what every adaptive normalisation is told.

    Each of these has a layer that turns the style into its factors and shifts; the offsets of all of them come in one
    input, ``[1, n]``, in the order of the graph. Answers n.
    """
    biases = {tensor.name: tensor for tensor in graph.initializer}
    layers = [node for node in graph.node if node.op_type == "Add" and node.output[0].endswith(_LAYER)]
    layers = [node for node in layers if node.output[0].startswith(_DECODER)]
    sizes = [next(biases[name].dims[0] for name in node.input if name in biases) for node in layers]
    parts = [f"{OFFSETS}.{i}" for i in range(len(layers))]
    graph.initializer.append(numpy_helper.from_array(np.array(sizes, np.int64), f"{OFFSETS}/sizes"))
    nodes = [helper.make_node("Split", [OFFSETS, f"{OFFSETS}/sizes"], parts, axis=1)]
    moved = {node.output[0]: part for node, part in zip(layers, parts, strict=True)}
    for node in graph.node:
        nodes.append(node)
        part = moved.get(node.output[0])
        if part:
            name = node.output[0]
            node.output[0] = f"{name}/plain"
            nodes.append(helper.make_node("Add", [node.output[0], part], [name]))
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    return int(sum(sizes))
