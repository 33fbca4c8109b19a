from __future__ import annotations

import io
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from avatarium.errors import InputError
from bench.likeness.marks import read_marks
from bench.likeness.report import BARS, Likeness, Range, Verdict, as_json, load_natural, table

GOOD = Likeness(
    duration_s=20.0,
    frames=500,
    frames_without_face=0,
    face_share=1.0,
    offset_frames=0.1,
    correlation=0.8,
    closures_shut=19,
    closures_total=20,
    closure_rate=0.95,
    rounding=0.9,
    opening_p95=0.12,
    mouth_motion_ratio=2.5,
    identity_mean=0.2,
    identity_max=0.3,
    background_db=60.0,
    lip_flicker=1.0,
    skin_flicker=0.3,
    jitter=0.009,
    blinks_per_minute=17.0,
    blinks_found=1.0,
    yaw_sd=1.0,
    pitch_sd=1.0,
    roll_sd=1.0,
    nose_speed=0.1,
)


def test_a_good_video_fails_nothing() -> None:
    assert GOOD.failures == ()
    assert set(GOOD.verdicts.values()) == {Verdict.PASS}


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("face_share", 0.9),
        ("offset_frames", -1.2),
        ("offset_frames", 1.2),
        ("offset_frames", None),
        ("correlation", 0.64),
        ("closure_rate", 0.94),
        ("rounding", 0.95),
        ("opening_p95", 0.07),
        ("opening_p95", 0.25),
        ("opening_p95", None),
        ("identity_mean", 0.36),
        ("identity_max", 0.51),
        ("background_db", 44.0),
        ("jitter", 0.013),
        ("blinks_found", 0.7),
        ("blinks_per_minute", 5.0),
        ("yaw_sd", 0.1),
        ("nose_speed", 0.0),
    ],
)
def test_each_missed_bar_is_named(figure: str, value: float | None) -> None:
    changed: dict[str, Any] = {figure: value}
    assert replace(GOOD, **changed).failures == (figure,)


def test_what_a_clip_does_not_allow_is_not_a_failure() -> None:
    short = replace(
        GOOD, duration_s=5.0, blinks_per_minute=0.0, blinks_found=None, closure_rate=None, background_db=None
    )
    assert short.failures == ()
    assert short.verdicts["blinks_per_minute"] is Verdict.UNMEASURED
    assert short.verdicts["closure_rate"] is Verdict.UNMEASURED


def test_every_bar_names_a_figure() -> None:
    assert {bar.figure for bar in BARS} <= {field.name for field in fields(Likeness)}


def test_the_table_shows_value_natural_range_bar_and_verdict() -> None:
    console = Console(width=140, record=True, file=io.StringIO())
    natural = {"correlation": Range(low=0.41, median=0.6, high=0.85, clips=7)}
    console.print(table(replace(GOOD, correlation=0.5), natural, "clip.mp4"))
    line = next(line for line in console.export_text().splitlines() if "correlation" in line)
    for part in ("0.5", "0.41 .. 0.85", ">= 0.65", "FAIL"):
        assert part in line


def test_json_holds_figures_and_verdicts() -> None:
    data = json.loads(as_json(replace(GOOD, rounding=None)))
    assert data["figures"]["rounding"] is None
    assert data["verdicts"]["correlation"] == "pass"


def test_natural_ranges_are_real_measurements() -> None:
    natural = load_natural()
    assert set(natural) == {bar.figure for bar in BARS} - {"blinks_found"}
    for span in natural.values():
        assert span.low <= span.median <= span.high
        assert span.clips >= 6
    assert natural["offset_frames"].low >= -1
    assert natural["offset_frames"].high <= 1


def test_marks_are_read(tmp_path: Path) -> None:
    path = tmp_path / "marks.json"
    path.write_text(json.dumps({"phonemes": [{"ipa": "p", "start_s": 0, "end_s": 0.1, "x": 1}], "blinks": [1, 2.5]}))
    marks = read_marks(path)
    assert (marks.phonemes[0].ipa, marks.phonemes[0].end_s, marks.blinks) == ("p", 0.1, (1.0, 2.5))
    path.write_text('{"phonemes": []}')
    assert read_marks(path).blinks is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"phonemes": [{"ipa": "p"}]}', '{"phonemes": 3}', "\udcff"])
def test_bad_marks_are_one_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "marks.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match="no marks file") as caught:
        read_marks(path)
    assert caught.value.code == "marks_invalid"


def test_missing_marks_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_marks(tmp_path / "none.json")
