"""SRT and WebVTT: written, read back, and read as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.engine.subtitles import Cue, from_srt, to_srt, to_vtt
from avatarium.errors import InputError

CUES = (
    Cue(start_s=0.25, end_s=2.0, lines=("Hello <there>", "and you & me")),
    Cue(start_s=3661.5, end_s=3662.042, lines=("مرحبا بكم",)),
)


def test_srt_as_players_read_it() -> None:
    assert to_srt(CUES) == (
        "1\n00:00:00,250 --> 00:00:02,000\nHello <there>\nand you & me\n\n2\n01:01:01,500 --> 01:01:02,042\nمرحبا بكم\n"
    )


def test_vtt_is_escaped() -> None:
    assert to_vtt(CUES[:1]) == ("WEBVTT\n\n00:00:00.250 --> 00:00:02.000\nHello &lt;there&gt;\nand you &amp; me\n")


times = st.integers(0, 10_000_000)
lines = st.lists(st.text(st.characters(categories=("L", "N")), min_size=1, max_size=20), min_size=1, max_size=3)


@given(st.lists(st.tuples(times, st.integers(1, 9000), lines), max_size=8))
def test_what_is_written_is_read_back(told: list[tuple[int, int, list[str]]]) -> None:
    made = tuple(
        Cue(start_s=start / 1000, end_s=(start + length) / 1000, lines=tuple(text))
        for start, length, text in sorted(told, key=lambda one: one[0])
    )
    read = from_srt(to_srt(made))
    assert [cue.lines for cue in read] == [cue.lines for cue in made]
    for one, other in zip(read, made, strict=True):
        assert (one.start_s, one.end_s) == pytest.approx((other.start_s, other.end_s), abs=1e-6)


def test_srt_as_people_write_it() -> None:
    text = (
        "\ufeff1\r\n00:00:01.5 --> 00:00:02,000 X1:10\r\n<i>Hi</i> {\\an8}there\r\n\r\n"
        "00:05 --> 00:06,5\r\nno number\r\n2\r\n0:0:07,1 --> 0:0:08,2\r\nno gap"
    )
    assert from_srt(text) == (
        Cue(start_s=1.5, end_s=2.0, lines=("Hi there",)),
        Cue(start_s=5.0, end_s=6.5, lines=("no number",)),
        Cue(start_s=7.1, end_s=8.2, lines=("no gap",)),
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Just a letter to you.", 1),
        ("1\n00:00:05,000 --> 00:00:02,000\nbackwards", 2),
        ("1\n00:00:05,000 --> soon\nwhen?", 2),
    ],
)
def test_what_is_no_srt_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(InputError, match=f"line {line} ") as caught:
        from_srt(text)
    assert caught.value.code == "subtitles_unreadable"


def test_an_empty_file_has_no_cues() -> None:
    assert from_srt("") == from_srt("\ufeff \n\n") == ()
