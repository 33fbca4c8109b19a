"""The network that a clone is learnt with: Kokoro's decoder, an ear, and the way back from what is heard to the style.

The decoder says a phrase whose sounds, pitch and loudness are given; the ear makes of it the bands that speaker nets
listen to and, by CAM++, whom it sounds like. The loss compares both with the recording. Everything is one ONNX graph,
put together in memory from the engine's own networks when somebody is cloned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from avatarium.engine.speech.cloning.backward import Tape, append_gradients
from avatarium.engine.speech.cloning.ear import BANDS, FLOOR, HOP, WINDOW, transform, triangles
from avatarium.engine.speech.cloning.offsets import OFFSETS, OFFSETS_SIZE, append_offsets
from avatarium.engine.speech.models.sessions import open_session

RATE = 24_000
FRAME = 600
"""Samples of one frame of the decoder, 25 ms."""

TEXT, PITCH, LOUDNESS = (
    "/encoder/MatMul_1_output_0",
    "/decoder/decoder/Unsqueeze_output_0",
    "/decoder/decoder/Unsqueeze_1_output_0",
)
DURATIONS = "/encoder/Clip_output_0"
STYLE = "/decoder/Slice_output_0"
SLOPE, OFFSETS_SLOPE = "slope", "slope of offsets"
_SOUND = "/decoder/decoder/generator/istft/stft/ConvTranspose_output_0"
_OVERLAP, _EDGE = 4.0, 10
"""How Kokoro scales its last layer into sound, and what it cuts off at either end."""

Array = NDArray[np.float32]


def encoder(kokoro: Path) -> bytes:
    """The half of Kokoro before the decoder: tokens, style and speed to sounds, pitch, loudness and durations."""
    source = onnx.load(str(kokoro)).graph
    outputs = [TEXT, PITCH, LOUDNESS, DURATIONS]
    nodes = _needed(source.node, outputs, frozenset())
    model = _model()
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(_stored(source, nodes))
    model.graph.input.extend(source.input)
    return _with_outputs(model, outputs)


def learner(kokoro: Path, campplus: Path) -> bytes:
    """The whole network with its way back.

    Inputs: ``TEXT [1, 512, n]``, ``PITCH`` (Hz) and ``LOUDNESS [1, 1, 2 n]``, n frames of 25 ms; ``STYLE [1, 128]`` and
    ``OFFSETS``; ``voice [1, 192]``, the wanted speaker vector times its weight; ``bands [1, t, 80]`` with ``trust
    [1, t, 1]``, the wanted bands and the weight of each of their moments, ``t = (600 n - 600) // 240 + 1``; ``hiss
    [1, 1, 600 n]`` and ``shade [1, 1, 80]``, noise that is added and factors of the bands for the speaker net alone, so
    that what it is shown is no trick that only it would fall for.
    Outputs: ``audio``, ``vector`` (of unit length), ``heard`` (bands without their mean), ``loss``, and the loss's
    gradients by the style and by the offsets, ``SLOPE`` and ``OFFSETS_SLOPE``.
    """
    model = _forward(kokoro, campplus)
    tape = Tape(model.graph, _shapes(model))
    slopes = append_gradients(tape, "loss", [STYLE, OFFSETS])
    tape.op("Identity", slopes[STYLE], name=SLOPE)
    tape.op("Identity", slopes[OFFSETS], name=OFFSETS_SLOPE)
    return _with_outputs(model, ["audio", "vector", "heard", "loss", SLOPE, OFFSETS_SLOPE])


def _forward(kokoro: Path, campplus: Path) -> Any:
    source = onnx.load(str(kokoro)).graph
    model = _model()
    graph = model.graph
    given = [TEXT, PITCH, LOUDNESS, STYLE]
    nodes = _needed(source.node, [_SOUND], frozenset(given))
    graph.node.extend(nodes)
    graph.initializer.extend(_stored(source, nodes))
    append_offsets(graph)
    graph.input.extend(_value(name) for name in [*given, "voice", "bands", "trust", "hiss", "shade", OFFSETS])
    tape = Tape(graph, {})
    scaled = tape.op("Mul", _SOUND, tape.constant(_OVERLAP))
    cut = tape.op("Slice", scaled, tape.numbers(_EDGE), tape.numbers(-_EDGE), tape.numbers(2))
    tape.op("Identity", cut, name="audio")
    _append_ear(tape, "audio", "heard")
    _append_ear(tape, tape.op("Add", "audio", "hiss"), "overheard")
    tape.op("Mul", "overheard", "shade", name="shaded")
    _append_speaker(graph, onnx.load(str(campplus)).graph)
    _append_loss(tape)
    return model


def _append_ear(tape: Tape, sound: str, heard: str) -> None:
    parts = tape.op("Conv", sound, tape.constant(transform()[:, None]), strides=[HOP])
    power = tape.op("Mul", parts, parts)
    summed = tape.op("Conv", power, tape.constant(np.concatenate([triangles().T] * 2, axis=1)[:, :, None]))
    floored = tape.op("Max", summed, tape.constant(FLOOR))
    turned = tape.op("Transpose", tape.op("Log", floored), perm=[0, 2, 1])
    mean = tape.op("ReduceMean", turned, tape.numbers(1), keepdims=1)
    tape.op("Sub", turned, mean, name=heard)


def _append_speaker(graph: Any, speaker: Any) -> None:
    """CAM++ behind the ear, its own names kept apart by a prefix."""
    known = {value.name for value in speaker.input if value.name not in {t.name for t in speaker.initializer}}
    first, last = known.pop(), speaker.output[0].name
    names = {first: "shaded", last: "speaker", "": ""}
    for tensor in speaker.initializer:
        kept = graph.initializer.add()
        kept.CopyFrom(tensor)
        kept.name = f"speaker/{tensor.name}"
    for node in speaker.node:
        kept = graph.node.add()
        kept.CopyFrom(node)
        kept.name = ""
        for side in (kept.input, kept.output):
            side[:] = [names.get(name, f"speaker/{name}") for name in side]
        _modern(graph, kept)


def _modern(graph: Any, node: Any) -> None:
    """Axes as an input, as reductions have them since version 18 of the operators."""
    if node.op_type.startswith("Reduce") and len(node.input) == 1:
        for attribute in [a for a in node.attribute if a.name == "axes"]:
            name = f"{node.output[0]}/axes"
            graph.initializer.append(numpy_helper.from_array(np.array(attribute.ints, np.int64), name))
            node.input.append(name)
            node.attribute.remove(attribute)


def _append_loss(tape: Tape) -> None:
    square = tape.op("ReduceSum", tape.op("Mul", "speaker", "speaker"), tape.numbers(1), keepdims=1)
    tape.op("Div", "speaker", tape.op("Sqrt", square), name="vector")
    alike = tape.op("ReduceSum", tape.op("Mul", "vector", "voice"), keepdims=0)
    apart = tape.op("Mul", tape.op("Abs", tape.op("Sub", "heard", "bands")), "trust")
    tape.op("Sub", tape.op("ReduceSum", apart, keepdims=0), alike, name="loss")


_PROBE_FRAMES = 24
"""Long enough that no length is one by chance."""


def _shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """Shapes of all values, out of one run with every one of them as an output."""
    graph = model.graph
    names = [name for node in graph.node for name in node.output if name]
    session = open_session(_with_outputs(model, names), keeps_memory=False)
    fed = probe(_PROBE_FRAMES)
    values = session.run(names, dict(fed))
    shapes = {name: tuple(np.shape(value)) for name, value in zip(names, values, strict=True)}
    stored = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    return {**stored, **{name: value.shape for name, value in fed.items()}, **shapes}


def frames_heard(frames: int) -> int:
    """Moments that the ear has of so many frames of the decoder."""
    return (frames * FRAME - WINDOW) // HOP + 1


def probe(frames: int) -> Mapping[str, Array]:
    """Inputs of the right shapes with nothing in them."""
    heard = frames_heard(frames)
    shapes = {TEXT: (1, 512, frames), PITCH: (1, 1, 2 * frames), LOUDNESS: (1, 1, 2 * frames), STYLE: (1, 128)}
    more = {
        "voice": (1, 192),
        "bands": (1, heard, BANDS),
        "trust": (1, heard, 1),
        "hiss": (1, 1, FRAME * frames),
        "shade": (1, 1, BANDS),
        OFFSETS: (1, OFFSETS_SIZE),
    }
    return {name: np.full(shape, 0.1, np.float32) for name, shape in (shapes | more).items()}


def _needed(nodes: Sequence[Any], outputs: Iterable[str], given: frozenset[str]) -> list[Any]:
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if any(name in wanted and name not in given for name in node.output):
            kept.append(node)
            wanted.update(name for name in node.input if name)
    return kept[::-1]


def _stored(graph: Any, nodes: Sequence[Any]) -> list[Any]:
    used = {name for node in nodes for name in node.input}
    return [tensor for tensor in graph.initializer if tensor.name in used]


def _value(name: str) -> Any:
    value = onnx.ValueInfoProto()
    value.name = name
    value.type.tensor_type.elem_type = TensorProto.FLOAT
    return value


def _model() -> Any:
    """An empty network; its graph is filled where it is, as copies of it would cost hundreds of megabytes."""
    graph = helper.make_graph([], "clone", [], [])
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def _with_outputs(model: Any, names: Iterable[str]) -> bytes:
    """The network as bytes, with these values, of whatever kind, as its outputs."""
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return bytes(model.SerializeToString())
