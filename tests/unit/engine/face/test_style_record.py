"""The lip model as a record: what is written is read, and nothing that is read can hurt a face."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarium.engine.face.coarticulation import mouth_controls
from avatarium.engine.face.expression import fields
from avatarium.engine.face.pose import Mouth
from avatarium.engine.face.style.record import BOUNDS, GENERAL, OWN_SHAPE, OWN_STEP, SpeakingStyle
from avatarium.engine.face.visemes import TARGETS, Target, Viseme
from avatarium.engine.speech.records import Phoneme
from avatarium.errors import InputError

OWN = bytes(np.random.default_rng(0).integers(0, 256, math.prod(OWN_SHAPE), dtype=np.uint8))
SOUNDS = ["p", "b", "m", "a", "i", "u", "s", "f", "l", "ɹ", "w", "tʃ", "aɪ", "ŋ", "ə"]

any_target = st.builds(Target, *(st.floats(*BOUNDS[name]) for name in BOUNDS))
any_style = st.builds(SpeakingStyle, targets=st.tuples(*(any_target for _ in Viseme)), loud_share=st.floats(0, 1.2))


def test_most_people_speak_by_the_table_of_visemes() -> None:
    assert all(GENERAL.target(viseme) == TARGETS[viseme] for viseme in Viseme)


@settings(max_examples=25, deadline=None)
@given(any_style, st.sampled_from([None, OWN]))
def test_what_is_written_is_read(style: SpeakingStyle, own: bytes | None) -> None:
    style = replace(style, own=own)
    read = SpeakingStyle.from_json(style.to_json())
    assert SpeakingStyle.from_json(read.to_json()) == read
    assert read.own == own
    for viseme in Viseme:
        assert read.target(viseme).open == pytest.approx(style.target(viseme).open, abs=6e-5)


def test_a_record_is_small() -> None:
    assert len(GENERAL.to_json()) < 2500
    assert len(replace(GENERAL, own=OWN).to_json().encode()) < 8000


def _set(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda record: record.__setitem__(name, value)


def _number(value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda record: record["targets"]["a"].__setitem__(0, value)


@pytest.mark.parametrize(
    "harm",
    [
        _set("version", 2),
        _set("version", None),
        _set("loud_share", 7),
        _set("loud_share", True),
        _set("loud_share", "0.3"),
        _set("targets", []),
        _set("targets", {}),
        _set("own", "AAAA"),
        _set("own", "no base64!"),
        _set("own", 12),
        _set("own", base64.b64encode(bytes(5000)).decode()),
        _number(float("nan")),
        _number(float("inf")),
        _number(1e308),
        _number(-0.2),
        _number(0.33),
        _number([0.1]),
        _number(None),
        lambda record: record["targets"].pop("a"),
        lambda record: record["targets"].__setitem__("zz", record["targets"]["a"]),
        lambda record: record["targets"]["a"].append(0.0),
        lambda record: record["targets"].__setitem__("a", "12345678"),
        lambda record: record.pop("own"),
    ],
)
def test_a_record_with_anything_else_in_it_is_refused(harm: Callable[[dict[str, Any]], None]) -> None:
    record = json.loads(replace(GENERAL, own=OWN).to_json())
    harm(record)
    with pytest.raises(InputError) as refused:
        SpeakingStyle.from_json(json.dumps(record))
    assert refused.value.code == "lip_model_unreadable"


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "3", "{", "[" * 30000, b"\xff\xfe", " " * 50000, '{"version": 1}', '"targets"']
)
def test_what_is_no_record_is_refused(text: str | bytes) -> None:
    with pytest.raises(InputError) as refused:
        SpeakingStyle.from_json(text)
    assert refused.value.code == "lip_model_unreadable"


@settings(max_examples=60, deadline=None)
@given(any_style, st.lists(st.tuples(st.sampled_from(SOUNDS), st.floats(0.04, 0.3)), min_size=1, max_size=20))
def test_whatever_was_read_curves_are_bounded_and_lips_meet_for_p(
    style: SpeakingStyle, sounds: list[tuple[str, float]]
) -> None:
    phonemes, at = [], 0.2
    for ipa, length in sounds:
        phonemes.append(Phoneme(ipa=ipa, start_s=at, end_s=at + length, stress=1))
        at += length
    frames = round((at + 0.5) * 25)
    controls = mouth_controls(phonemes, frames, 25, loudness=np.full(frames, 0.9, np.float32), style=style)
    assert np.isfinite(controls).all()
    assert controls[:, Mouth.OPEN].min() >= -0.0121
    assert np.abs(controls[:, :4]).max() <= 0.32 * 1.26 * 1.6
    for p in phonemes:
        if p.ipa in "pbm":
            held = slice(int((p.start_s - 0.04) * 25), int((p.end_s + 0.04) * 25) + 2)
            assert controls[held, Mouth.OPEN].min() <= 0.012


def test_a_face_of_its_own_stays_near_the_usual_one() -> None:
    assert GENERAL.basis is None
    basis = replace(GENERAL, own=OWN).basis
    assert basis is not None
    apart = basis - fields().mouth
    assert np.abs(apart).max() <= 128 * OWN_STEP
    assert np.abs(apart[..., 2]).max() == 0
    usual = replace(GENERAL, own=bytes(math.prod(OWN_SHAPE))).basis
    assert usual is not None
    assert np.allclose(usual, fields().mouth)


def test_a_style_may_be_a_key() -> None:
    assert len({GENERAL, SpeakingStyle(), replace(GENERAL, own=OWN), replace(GENERAL, own=OWN)}) == 2
