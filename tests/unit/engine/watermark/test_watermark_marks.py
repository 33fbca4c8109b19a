from __future__ import annotations

from pathlib import Path

import pytest

from avatarium.engine.watermark import LogoMark, Position, TextMark
from avatarium.errors import OptionError, TextError


@pytest.mark.parametrize("text", ["", "   ", "\n\t\r\n", "\u200b\u200d", "\u202e", "\x00\x07"])
def test_text_that_nobody_would_see_is_refused(text: str) -> None:
    with pytest.raises(TextError) as caught:
        TextMark(text=text)
    assert caught.value.code == "text_empty"


def test_ten_thousand_characters_are_refused() -> None:
    with pytest.raises(TextError, match="10000 characters; at most 500") as caught:
        TextMark(text="x" * 10_000)
    assert caught.value.code == "text_too_long"


@pytest.mark.parametrize("size", [0, -48, 3, 2001, 10**9])
def test_font_sizes_beyond_reason_are_refused(size: int) -> None:
    with pytest.raises(OptionError) as caught:
        TextMark(text="a", fontsize=size)
    assert caught.value.code == "fontsize_range"


@pytest.mark.parametrize("colour", [(256, 0, 0, 255), (-1, 0, 0, 255), (255, 255, 255, 0), (1, 2, 3)])
def test_colours_that_are_none_are_refused(colour: tuple[int, int, int, int]) -> None:
    with pytest.raises(OptionError) as caught:
        TextMark(text="a", fontcolor=colour)
    assert caught.value.code == "fontcolor_range"


@pytest.mark.parametrize("scale", [0.0, -1.0, 21.0, float("nan"), float("inf")])
def test_scales_beyond_reason_are_refused(scale: float) -> None:
    with pytest.raises(OptionError) as caught:
        LogoMark(path=Path("logo.png"), scale_ratio=scale)
    assert caught.value.code == "scale_range"


def test_clear_logo_is_refused() -> None:
    with pytest.raises(OptionError):
        LogoMark(path=Path("logo.png"), opacity=0)


@pytest.mark.parametrize(
    ("word", "position"),
    [
        ("bottom_right", Position.BOTTOM_RIGHT),
        ("Bottom-Right", Position.BOTTOM_RIGHT),
        ("bottomRight", Position.BOTTOM_RIGHT),
        (" TOP left ", Position.TOP_LEFT),
        ("middle", Position.CENTER),
        ("centre", Position.CENTER),
        ("top_center", Position.TOP),
        ("center_left", Position.LEFT),
        ("tile", Position.TILE),
    ],
)
def test_positions_in_every_spelling(word: str, position: Position) -> None:
    assert Position.parse(word) is position


@pytest.mark.parametrize("word", ["", "corner", "bottom_up"])
def test_unknown_positions_name_the_known_ones(word: str) -> None:
    with pytest.raises(OptionError, match="bottom_right") as caught:
        Position.parse(word)
    assert caught.value.code == "position_unknown"


def test_lines_are_composed_and_cleaned() -> None:
    mark = TextMark(text="  cafe\u0301 \u202eno\u200b \r\n\n a\tb \ufe0f")
    assert mark.lines == ("caf\u00e9 no", "a b")
