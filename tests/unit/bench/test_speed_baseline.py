from __future__ import annotations

import time

import numpy as np
import onnx
import pytest
from rich.console import Console

from bench.speed import Stage, StageClock, cpu_ms
from bench.speed.baseline import Generator, Kind, Layer, build, frame_maker
from bench.speed.machine import this_machine
from bench.speed.report import table


@pytest.fixture(scope="module")
def generator() -> Generator:
    return build()


def test_the_network_is_the_size_of_the_paper(generator: Generator) -> None:
    assert generator.parameters == pytest.approx(36.3e6, rel=0.005)
    assert generator.products == pytest.approx(3.97e9, rel=0.005)


def test_it_makes_a_picture_of_96_pixels_that_depends_on_nothing_but_the_seed(generator: Generator) -> None:
    frame = frame_maker(generator)()
    assert frame.shape == (1, 3, 96, 96)
    assert frame.dtype == np.float32
    assert frame.min() >= 0
    assert frame.max() <= 1
    assert frame.std() > 0
    assert np.array_equal(frame, frame_maker(generator)())


def test_shapes_agree_with_onnx_itself(generator: Generator) -> None:
    inferred = onnx.shape_inference.infer_shapes(onnx.load_from_string(generator.model), strict_mode=True)
    sizes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in inferred.graph.value_info}
    assert sizes["skip.0"] == [1, 1024, 1, 1]
    assert sizes["skip.6"] == [1, 80, 96, 96]


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        (Layer(1, 1), (27, 16)),
        (Layer(1, 1, stride=(3, 2)), (9, 8)),
        (Layer(1, 1, padding=0), (25, 14)),
        (Layer(1, 1, stride=(2, 2), kind=Kind.UP, growth=1), (54, 32)),
    ],
)
def test_layer_sizes(layer: Layer, size: tuple[int, int]) -> None:
    assert layer.size(27, 16) == size


def test_cpu_time_counts_work_and_not_sleep() -> None:
    asleep = cpu_ms(lambda: time.sleep(0.02), 5, name="asleep", warm_up=1)
    assert (asleep.name, asleep.runs) == ("asleep", 5)
    assert asleep.median_ms < 15
    calls: list[int] = []
    assert cpu_ms(lambda: calls.append(1), 4, warm_up=2).runs == 4
    assert len(calls) == 6


def test_a_stage_is_median_and_p95() -> None:
    stage = Stage.of("raster", [1.0, 2.0, 3.0, 100.0, 2.0])
    assert stage.median_ms == 2
    assert 3 < stage.p95_ms < 100
    with pytest.raises(ValueError, match="never timed"):
        Stage.of("raster", [])


def test_a_stage_clock_leaves_the_warm_up_and_failed_work_out() -> None:
    clock = StageClock(warm_up=2)
    for _ in range(5):
        with clock.stage("vertices"):
            pass
        with clock.stage("raster"):
            pass
    with clock.stage("once"):
        pass
    with pytest.raises(KeyError), clock.stage("raster"):
        raise KeyError
    assert [(stage.name, stage.runs) for stage in clock.stages()] == [("vertices", 3), ("raster", 3)]


def test_the_table_shows_how_many_times_cheaper_a_stage_is() -> None:
    console = Console(width=100)
    baseline = Stage(name="baseline", median_ms=100.0, p95_ms=110.0, runs=20)
    stage = Stage(name="photo actor 512x512", median_ms=8.0, p95_ms=9.0, runs=100)
    with console.capture() as shown:
        console.print(table([stage], baseline, "speed"))
    assert "12.5" in next(line for line in shown.get().splitlines() if "photo actor" in line)


def test_the_machine_is_named() -> None:
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.model
    assert machine.model in machine.text
