"""Samples as clients push them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avatarium.errors import RequestError, TooLargeError
from avatarium.streaming.stage.pcm import MESSAGE_MAX_BYTES, PcmFormat


def test_the_first_message_tells_how_sound_is_written() -> None:
    assert PcmFormat.of({"sample_rate": 16000}) == PcmFormat(rate=16000, format="s16le", channels=1)
    assert PcmFormat.of({"sample_rate": 48000, "format": "f32le", "channels": 2, "more": 1}).channels == 2


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"sample_rate": "16000"},
        {"sample_rate": True},
        {"sample_rate": 7999},
        {"sample_rate": 96_000},
        {"sample_rate": 16_000.5},
        {"sample_rate": 16_000, "format": "mp3"},
        {"sample_rate": 16_000, "format": ["s16le"]},
        {"sample_rate": 16_000, "channels": 3},
        {"sample_rate": 16_000, "channels": True},
    ],
)
def test_a_format_that_is_none_is_refused_with_an_example(message: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match='Send {"sample_rate": 16000') as refusal:
        PcmFormat.of(message)
    assert refusal.value.code == "bad_sound_format"


def test_integers_become_floats() -> None:
    samples = PcmFormat(rate=16_000).decode(np.array([0, 16384, -32768], "<i2").tobytes())
    assert samples.dtype == np.float32 and samples.tolist() == [0.0, 0.5, -1.0]


def test_two_channels_become_one() -> None:
    samples = PcmFormat(rate=16_000, format="f32le", channels=2).decode(np.array([0.2, 0.4, -1, 1], "<f4").tobytes())
    assert samples == pytest.approx([0.3, 0.0])


def test_a_little_overdriven_is_cut_at_full_scale() -> None:
    assert PcmFormat(rate=16_000, format="f32le").decode(np.array([1.5], "<f4").tobytes()) == pytest.approx([1.0])


def test_an_empty_message_is_no_sound() -> None:
    assert len(PcmFormat(rate=16_000).decode(b"")) == 0


@pytest.mark.parametrize(("form", "size"), [("s16le", 3), ("f32le", 6)])
def test_half_a_sample_is_refused(form: str, size: int) -> None:
    with pytest.raises(RequestError, match="Cut messages between samples"):
        PcmFormat(rate=16_000, format=form).decode(bytes(size))


def test_integers_read_as_floats_are_noticed() -> None:
    loud = (10_000 * np.sin(np.arange(4000) / 9)).astype("<i2").tobytes()
    with pytest.raises(RequestError, match="Is it s16le"):
        PcmFormat(rate=16_000, format="f32le").decode(loud)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e6])
def test_floats_that_are_no_sound_are_refused(value: float) -> None:
    with pytest.raises(RequestError, match="between -1 and 1"):
        PcmFormat(rate=16_000, format="f32le").decode(np.array([0.0, value], "<f4").tobytes())


@pytest.mark.parametrize(
    ("head", "kind"), [(b"RIFF\x24\x00\x00\x00WAVE", "WAV"), (b"OggS", "Ogg"), (b"ID3\x04\x00\x00", "MP3")]
)
def test_a_file_in_place_of_samples_is_named(head: bytes, kind: str) -> None:
    data = head + bytes(2 * len(head) % 2 + 100 - len(head))
    with pytest.raises(RequestError, match=f"This is a {kind} file"):
        PcmFormat(rate=16_000).decode(data, first=True)
    PcmFormat(rate=16_000).decode(data)  # amid the sound these are samples like any others


def test_a_message_has_a_largest_size() -> None:
    with pytest.raises(TooLargeError):
        PcmFormat(rate=16_000).decode(bytes(MESSAGE_MAX_BYTES + 2))
