"""A digest of an ONNX network that depends on what it computes and not on how protobuf wrote it down."""

from __future__ import annotations

import hashlib
from typing import Any

from onnx import numpy_helper


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
