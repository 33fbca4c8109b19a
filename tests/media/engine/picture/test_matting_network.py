"""A matting network of the operator's own, from the setting to the film."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from avatarium.engine.face.video.films import FilmWriter
from avatarium.engine.face.video.layers import Matting
from avatarium.engine.video.frames import read_frames
from avatarium.errors import AssetError
from avatarium.families.clips import network_of
from tests.running import job_of, running
from tests.support.twins import started

SIDE = 128


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Takes the left of every picture for the person, whoever is there."""
    left = np.zeros((1, 1, 64, 64), np.float32)
    left[..., :32] = 1
    nodes = [
        helper.make_node("ReduceMean", ["picture", "axes"], ["mean"], keepdims=1),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "left"], ["alpha"]),
    ]
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [1], [1]),
        helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]),
        helper.make_tensor("left", TensorProto.FLOAT, left.shape, left.ravel()),
    ]
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, 64, 64])
    alpha = helper.make_tensor_value_info("alpha", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "left", [picture], [alpha], initializer=constants)
    path = tmp_path / "left.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), str(path))
    return path


def test_a_network_of_the_operators_tells_the_person(tmp_path: Path, network: Path) -> None:
    film = tmp_path / "film.mp4"
    noise = np.random.default_rng(0).integers(90, 160, (SIDE, SIDE, 3)).astype(np.uint8)
    with FilmWriter(film, SIDE, SIDE) as writer:
        for _ in range(4):
            writer.add_picture(noise)
    layers = Matting(film, tmp_path, np.arange(4, dtype=np.int32), network=network).run()
    masks = [mask[..., 0] for mask in read_frames(layers.alpha)]
    assert len(masks) == 4
    for mask in masks:
        assert mask[:, : SIDE // 2 - 4].min() > 240 and mask[:, SIDE // 2 + 4 :].max() < 16


def test_the_setting_names_it(tmp_path: Path, network: Path) -> None:
    with running(tmp_path / "one", matting_engine=str(network)) as it:
        assert network_of(job_of(it.platform, started(it), {})) == network
    with running(tmp_path / "two") as it:
        assert network_of(job_of(it.platform, started(it), {})) is None


def test_a_network_that_is_not_there_is_told_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="matting_engine") as caught:
        Matting(tmp_path / "film.mp4", tmp_path, np.arange(4, dtype=np.int32), network=tmp_path / "gone.onnx")
    assert caught.value.code == "matting_plugin_missing"
