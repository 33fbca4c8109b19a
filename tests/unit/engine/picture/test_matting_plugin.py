"""Networks of the operator's own: tiny graphs made here, of both kinds that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from avatarium.engine.picture.matting import open_plugin
from avatarium.errors import AssetError

FLOAT = TensorProto.FLOAT


def _save(path: Path, nodes: list[onnx.NodeProto], inputs: list[onnx.ValueInfoProto], outputs: list[str]) -> Path:
    shapes = [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs]
    constants = [helper.make_tensor("axes", TensorProto.INT64, [1], [1])]
    graph = helper.make_graph(nodes, "tiny", inputs, shapes, initializer=constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), str(path))
    return path


@pytest.fixture()
def plain(tmp_path: Path) -> Path:
    """Alpha is the mean of the three channels, halved and lifted: (x - 128) / 256 + 0.5 is x / 256."""
    nodes = [
        helper.make_node("ReduceMean", ["picture", "axes"], ["mean"], keepdims=1),
        helper.make_node("Constant", [], ["half"], value_float=0.5),
        helper.make_node("Add", ["mean", "half"], ["alpha"]),
    ]
    return _save(
        tmp_path / "plain.onnx", nodes, [helper.make_tensor_value_info("picture", FLOAT, [1, 3, 64, 64])], ["alpha"]
    )


@pytest.fixture()
def recurrent(tmp_path: Path) -> Path:
    """The first state counts frames; alpha is a tenth of it."""
    free = [1, None, None, 3]
    inputs = [helper.make_tensor_value_info(name, FLOAT, free) for name in ("src", "src_sml")]
    inputs += [helper.make_tensor_value_info(f"r{n}i", FLOAT, [1, None, None, None]) for n in (1, 2, 3, 4)]
    nodes = [
        helper.make_node("Constant", [], ["one"], value_float=1.0),
        helper.make_node("Constant", [], ["tenth"], value_float=0.1),
        helper.make_node("Constant", [], ["zero"], value_float=0.0),
        helper.make_node("Constant", [], ["last"], value_ints=[3]),
        helper.make_node("Add", ["r1i", "one"], ["r1o"]),
        *[helper.make_node("Identity", [f"r{n}i"], [f"r{n}o"]) for n in (2, 3, 4)],
        helper.make_node("ReduceMean", ["src", "last"], ["grey"], keepdims=1),
        helper.make_node("ReduceMean", ["src_sml"], ["small"], keepdims=1),
        helper.make_node("Sum", ["grey", "small"], ["both"]),
        helper.make_node("Mul", ["both", "zero"], ["nothing"]),
        helper.make_node("Mul", ["r1o", "tenth"], ["share"]),
        helper.make_node("Add", ["nothing", "share"], ["pha"]),
    ]
    return _save(tmp_path / "recurrent.onnx", nodes, inputs, ["pha", "r1o", "r2o", "r3o", "r4o"])


def test_a_plain_network_sees_the_picture_in_its_own_range(plain: Path) -> None:
    frame = np.full((90, 160, 3), 64, np.uint8)
    plugin = open_plugin(plain)
    alpha = plugin.alpha(frame)
    assert alpha.shape == (90, 160) and alpha.dtype == np.float32
    assert alpha == pytest.approx(np.full_like(alpha, 0.25), abs=0.01)
    assert plugin.name == "plain"
    plugin.close()


def test_metadata_of_the_file_tells_another_range(plain: Path) -> None:
    model = onnx.load(str(plain))
    helper.set_model_props(model, {"avatarium.mean": "0", "avatarium.scale": "255 255 255"})
    onnx.save(model, str(plain))
    assert open_plugin(plain).alpha(np.full((64, 64, 3), 51, np.uint8)).mean() == pytest.approx(0.7, abs=0.01)


def test_a_recurrent_network_remembers_until_the_shot_changes(recurrent: Path) -> None:
    plugin, frame = open_plugin(recurrent), np.zeros((90, 160, 3), np.uint8)
    values = [round(float(plugin.alpha(frame).mean()), 2) for _ in range(3)]
    plugin.forget()
    assert [*values, round(float(plugin.alpha(frame).mean()), 2)] == [0.1, 0.2, 0.3, 0.1]


def test_a_file_that_is_not_there_or_no_network_is_said(tmp_path: Path) -> None:
    with pytest.raises(AssetError) as missing:
        open_plugin(tmp_path / "rvm.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(AssetError) as unreadable:
        open_plugin(broken)
    assert (missing.value.code, unreadable.value.code) == ("matting_plugin_missing", "matting_plugin_unreadable")


def test_a_network_of_another_kind_is_refused(tmp_path: Path) -> None:
    inputs = [helper.make_tensor_value_info(name, FLOAT, [1, 3]) for name in ("words", "sounds")]
    path = _save(tmp_path / "other.onnx", [helper.make_node("Add", ["words", "sounds"], ["sum"])], inputs, ["sum"])
    with pytest.raises(AssetError) as refused:
        open_plugin(path)
    assert refused.value.code == "matting_plugin_unknown"
