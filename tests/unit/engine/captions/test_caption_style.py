"""``captionAlign`` as clients send it: lenient in, exact in what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from avatarium.engine.captions import Border, CaptionStyle
from avatarium.engine.captions.faces import ARIMO, MONO, NOTO, SERIF, face_of
from avatarium.engine.watermark.fonts import DEJAVU, Face
from avatarium.errors import OptionError
from avatarium.families.captioned import CaptionedStart

SENT = {
    "language": "el-GR",
    "PrimaryColour": "rgba(255, 0, 0, 0.5)",
    "OutlineColour": "rgba(0,0,255,1)",
    "BorderStyle": 4,
    "BackColour": "rgba(0,0,0,0.25)",
    "FontName": "Arial",
    "Fontsize": 42,
    "subtitle_position": 0.3,
}


def test_what_clients_send_is_understood() -> None:
    style = CaptionStyle.given(SENT)
    assert (style.language, style.letters, style.rim, style.box) == (
        "el-GR",
        (255, 0, 0, 128),
        (0, 0, 255, 255),
        (0, 0, 0, 64),
    )
    assert (style.border, style.size, style.position) == (Border.BLOCK, 42, 0.3)


def test_nothing_sent_is_white_in_a_dark_box() -> None:
    style = CaptionStyle.given({})
    assert style.letters == (255, 255, 255, 255) and style.rim[3] == 0
    assert style.box[:3] == (0, 0, 0) and 100 < style.box[3] < 255


@pytest.mark.parametrize(
    "fields",
    [
        {"fontsize": "60", "primary_colour": "#f00", "KARAOKE": "true"},
        {"Fontsize": "60px", "PrimaryColor": "&H000000FF", "karaoke": 1},
        {"FontSize": 60.0, "primaryColour": "rgb(255 0 0)", "karaoke": True, "Bold": -1, "MarginV": 20},
    ],
)
def test_any_spelling(fields: dict[str, Any]) -> None:
    style = CaptionStyle.given(fields)
    assert (style.size, style.letters, style.karaoke) == (60, (255, 0, 0, 255), True)


def test_colours_of_substation_alpha_count_clearness_and_blue_first() -> None:
    assert CaptionStyle.given({"BackColour": "&H80102030"}).box == (0x30, 0x20, 0x10, 127)


def test_each_border_takes_the_colours_that_it_has_in_substation_alpha() -> None:
    colours = {"OutlineColour": "#00f", "BackColour": "#0f0"}
    outline, lines, block = (CaptionStyle.given({**colours, "BorderStyle": n}) for n in (1, "3", 4.0))
    blue, green, clear = (0, 0, 255, 255), (0, 255, 0, 255), (0, 0, 0, 0)
    assert (outline.rim, outline.shadow, outline.box) == (blue, green, clear)
    assert (lines.rim, lines.shadow, lines.box) == (clear, clear, blue)
    assert (block.rim, block.shadow, block.box) == (blue, clear, green)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("PrimaryColour", "greenish", "caption_colour"),
        ("BackColour", "rgba(1,2)", "caption_colour"),
        ("BorderStyle", 2, "caption_border"),
        ("BorderStyle", "box", "caption_border"),
        ("Fontsize", 5, "caption_fontsize"),
        ("Fontsize", 1e9, "caption_fontsize"),
        ("Fontsize", "big", "caption_fontsize"),
        ("Fontsize", True, "caption_fontsize"),
        ("subtitle_position", -0.1, "caption_position"),
        ("subtitle_position", "85%", "caption_position"),
        ("language", "so loud", "caption_language"),
        ("karaoke", "maybe", "caption_karaoke"),
    ],
)
def test_nonsense_is_refused_by_name(field: str, value: object, code: str) -> None:
    with pytest.raises(OptionError) as caught:
        CaptionStyle.given({field: value})
    assert caught.value.code == code and caught.value.message.endswith(".")


def test_what_is_empty_is_not_sent() -> None:
    assert CaptionStyle.given({"PrimaryColour": "", "Fontsize": None, "language": " auto "}) == CaptionStyle()


@pytest.mark.parametrize(
    ("name", "face"),
    [
        ("", ARIMO),
        ("Arial", ARIMO),
        ("Comic Sans MS", ARIMO),
        ("Noto Sans", NOTO),
        ("dejavu sans", DEJAVU),
        ("Times New Roman", SERIF),
        ("DejaVu Serif", SERIF),
        ("Microsoft Sans Serif", ARIMO),
        ("Courier New", MONO),
        ("DejaVu Sans Mono", MONO),
    ],
)
def test_fonts_by_name_or_the_nearest(name: str, face: Face) -> None:
    assert face_of(name) == face


def test_start_calls_take_an_object_or_its_text_and_keep_it() -> None:
    for sent in (SENT, str(SENT).replace("'", '"')):
        start = CaptionedStart.model_validate({"isCaptionEnabled": "true", "captionAlign": sent})
        kept = CaptionedStart.model_validate(start.model_dump(mode="json"))
        assert kept.caption_style == CaptionStyle.given(SENT)
    assert CaptionedStart.model_validate({"captionAlign": SENT}).caption_style is None
    with pytest.raises(ValidationError, match="captionAlign"):
        CaptionedStart.model_validate({"captionAlign": "big"})
