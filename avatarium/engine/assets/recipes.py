"""How fetched networks become the ones that the engine opens.

Every recipe reads ``source``, writes ``target`` and answers with the digest of the network that it wrote. The result is
the same network on every machine; its serialised bytes may differ between releases of protobuf, hence the digest.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import onnx

from avatarium.engine.assets.campplus import campplus
from avatarium.engine.assets.dequantize import dequantize
from avatarium.engine.assets.graph import graph_sha256, save_by_tensor
from avatarium.engine.assets.segmentation import STATE, segmentation
from avatarium.engine.assets.spleeter import spleeter
from avatarium.engine.assets.tfcheckpoint import read_checkpoint
from avatarium.engine.assets.torchfile import read_weights

KOKORO_DURATIONS = "/encoder/Clip_output_0"
"""Output of the converted Kokoro: frames of 600 samples (25 ms at 24 kHz) a token, both pads included."""
HIBARI_DURATIONS = "/Clip_output_0"
"""Output of the converted hibari: frames of 600 samples (25 ms at 24 kHz) a token."""


def kokoro_float32(source: Path, target: Path) -> str:
    """Kokoro's int8 network in float32, twice as fast on a CPU, with its durations as the last output."""
    model = onnx.load(str(source))
    add_output(model, KOKORO_DURATIONS)
    dequantize(model.graph)
    return _save(model, target)


def hibari_durations(source: Path, target: Path) -> str:
    """hibari's network with its durations as the last output."""
    model = onnx.load(str(source))
    add_output(model, HIBARI_DURATIONS)
    return _save(model, target)


def speakers(source: Path, target: Path) -> str:
    """CAM++ and pyannote's segmentation, two networks in one folder, written anew from their weights."""
    target.mkdir()
    whose = _save(campplus(read_weights(source / "campplus.pt")), target / "campplus.onnx")
    when = _save(segmentation(read_weights(source / "segmentation.pt", STATE)), target / "segmentation.onnx")
    return hashlib.sha256((whose + when).encode()).hexdigest()


def spleeter_shares(source: Path, target: Path) -> str:
    """Spleeter's two stems, written anew from TensorFlow's weights."""
    return _save(spleeter(read_checkpoint(source / "model")), target)


def add_output(model: Any, name: str) -> None:
    """Make an inner float value of the network one of its outputs.

    Raises:
        ValueError: the network has no value of that name.
    """
    if not any(name in node.output for node in model.graph.node):
        raise ValueError(f"the network has no value {name}")
    model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))


def _save(model: Any, target: Path) -> str:
    digest = graph_sha256(model)
    save_by_tensor(model, target)
    return digest


RECIPES: Mapping[str, Callable[[Path, Path], str]] = {
    "kokoro-float32": kokoro_float32,
    "hibari-durations": hibari_durations,
    "speakers": speakers,
    "spleeter": spleeter_shares,
}


def main(name: str, source: str, target: str) -> None:
    """Run one recipe and print the digest of its network."""
    print(RECIPES[name](Path(source), Path(target)))


if __name__ == "__main__":
    main(*sys.argv[1:])
