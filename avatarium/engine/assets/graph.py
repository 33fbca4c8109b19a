"""ONNX networks as a whole: a digest that depends on what they compute, and writing large ones in little memory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from onnx import ModelProto, numpy_helper


def graph_sha256(model: Any) -> str:
    """The sha256 over operator sets, inputs, outputs, nodes in their order, and weights of a ``ModelProto``."""
    digest = hashlib.sha256()
    graph = model.graph
    for opset in sorted((opset.domain, opset.version) for opset in model.opset_import):
        digest.update(repr(opset).encode())
    for value in (*graph.input, *graph.output):
        digest.update(value.name.encode() + b"\0")
    for node in graph.node:
        digest.update(repr((node.op_type, node.domain, list(node.input), list(node.output))).encode())
        for attribute in sorted(node.attribute, key=lambda item: str(item.name)):
            digest.update(attribute.SerializeToString(deterministic=True))
    for tensor in sorted(graph.initializer, key=lambda item: str(item.name)):
        values = numpy_helper.to_array(tensor)
        digest.update(repr((tensor.name, str(values.dtype), values.shape)).encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def save_by_tensor(model: Any, target: Path) -> None:
    """Write a ``ModelProto`` with one weight after the other, and take the weights out of it.

    Serialising it at once would hold two more copies of all weights in memory. A protobuf reader joins the pieces: an
    embedded message that occurs several times is merged (Protocol Buffers, encoding, "Last One Wins").
    """
    tensors = list(model.graph.initializer)
    del model.graph.initializer[:]
    with target.open("wb") as file:
        file.write(model.SerializeToString())
        for tensor in tensors:
            piece = ModelProto()
            piece.graph.initializer.append(tensor)
            file.write(piece.SerializeToString())
