"""What a video's start call takes, and what it costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from avatarium.families.fields import LenientStart
from avatarium.families.video import price
from avatarium.families.video_start import VideoStart
from avatarium.prices import Prices

ANCHOR = "64f0c0ffee0000000000e001"


def start(**more: object) -> VideoStart:
    return VideoStart.model_validate({"anchor_id": ANCHOR, **more})


def test_types_are_taken_leniently() -> None:
    made = start(anchor_type="1", resolution="720", web_bg_width="1280", web_people_x="-3.5", isCaptionEnabled="false")
    assert (made.anchor_type, made.resolution, made.web_bg_width, made.web_people_x) == (1, 720, 1280.0, -3.5)
    assert made.is_caption_enabled is False
    assert start(isToPublicPool="true").is_to_public_pool is True


def test_both_names_of_the_recording_are_known() -> None:
    assert start(audioSrc="https://a.example/1.mp3").sound_url == "https://a.example/1.mp3"
    assert start(custom_voice="https://a.example/2.mp3").sound_url == "https://a.example/2.mp3"
    assert start(audioSrc="", custom_voice="https://a.example/2.mp3").sound_url == "https://a.example/2.mp3"


@pytest.mark.parametrize(
    "wrong",
    [
        {"anchor_type": 2},
        {"anchor_type": "mine"},
        {"resolution": 479},
        {"resolution": 2161},
        {"resolution": "high"},
        {"resolution": 720.5},
        {"color": "no colour"},
        {"color": "rgb(1,2)"},
        {"web_bg_width": -1},
        {"web_bg_width": 1e9},
        {"web_people_x": "left"},
        {"title": "x" * 41},
        {"anchor_id": ["a"]},
        {"audioSrc": "https://a.example/" + "x" * 5000},
        {"webhook_url": "https://a.example/" + "x" * 3000},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        start(**wrong)


@pytest.mark.parametrize("colour", ["rgb(0,128,0)", "rgba(255, 255, 255, 1)", "#fff", "#00ff00", ""])
def test_colours_as_clients_write_them(colour: str) -> None:
    assert start(color=colour).color == colour


def test_an_avatar_is_needed() -> None:
    for missing in ({}, {"anchor_id": ""}, {"anchor_id": None}):
        with pytest.raises(ValidationError):
            VideoStart.model_validate(missing)


@given(st.floats(0.01, 3600))
def test_each_second_begun_costs_one(seconds: float) -> None:
    amount = price(seconds, Prices()).amount
    assert amount - 1 < round(seconds, 2) + 1e-9 and round(seconds, 2) <= amount or amount == 1


def test_a_whole_second_is_not_two() -> None:
    assert [price(s, Prices()).amount for s in (0.2, 1.0, 1.004, 1.01, 29.999, 30)] == [1, 1, 1, 2, 30, 30]
    assert price(1.2, Prices({"video": 2.5})).amount == 5


def test_what_was_accepted_is_understood_again() -> None:
    made = start(audioSrc="https://a.example/1.mp3", web_people_x=-3, color="#fff", isToPublicPool=True)
    assert VideoStart.model_validate(made.model_dump(mode="json")) == made


def test_infinite_numbers_are_refused() -> None:
    class Sized(LenientStart):
        size: float = 0

    for size in (float("inf"), float("nan"), "inf"):
        with pytest.raises(ValidationError):
            Sized.model_validate({"size": size})
