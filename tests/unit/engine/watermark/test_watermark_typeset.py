"""Texts in many scripts: the right font, nothing too wide, no boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont, features

from avatarium.engine.watermark import fonts
from avatarium.engine.watermark.typeset import Block, set_text
from avatarium.errors import TextError


def _set(text: str, *, size: int = 40, width: int = 900, height: int = 500, align: str = "left") -> Block:
    return set_text((text,), size, width=width, height=height, align=align)


@pytest.mark.parametrize(
    ("text", "asset"),
    [
        ("Made with AI", "dejavu"),
        ("Сделано с ИИ", "dejavu"),
        ("Φτιαγμένο με AI", "dejavu"),
        ("صنع بالذكاء الاصطناعي", "dejavu"),
        ("נוצר בעזרת AI", "dejavu"),
        ("एआई से बनाया गया", "noto"),
        ("สร้างด้วย AI", "noto"),
        ("AI দিয়ে তৈরি", "noto"),
        ("AI மூலம் உருவாக்கப்பட்டது", "noto"),
        ("由人工智能生成", "noto-cjk"),
        ("作られました", "noto-cjk"),
        ("제작됨", "noto-cjk"),
    ],
)
def test_letters_come_from_the_fonts_of_their_script(text: str, asset: str) -> None:
    for run in fonts.runs(text):
        assert run.face.asset == ("dejavu" if run.text.isascii() else asset)
    block = _set(text)
    assert block.fontsize == 40 and block.lines == (text,)
    assert block.mask.max() == 255


def test_han_letters_take_the_form_of_their_language() -> None:
    assert [fonts.runs(text)[0].face.index for text in ("直す", "直 가", "直")] == [0, 1, 2]


def test_letters_without_a_font_are_refused_by_name() -> None:
    with pytest.raises(TextError, match="CUNEIFORM SIGN A") as caught:
        _set("made with 𒀀")
    assert caught.value.code == "text_glyphs"


def test_emoji_are_drawn_and_families_stay_together() -> None:
    assert list(fonts.clusters("a👩‍👩‍👧🇮🇳👍🏽e\u0301")) == ["a", "👩‍👩‍👧", "🇮🇳", "👍🏽", "e\u0301"]
    family, three = _set("👩‍👩‍👧").mask, _set("👩👩👧").mask
    assert family.shape[1] < 0.6 * three.shape[1]


def test_arabic_letters_join() -> None:
    joined = _set("سلام").mask
    apart = sum(_set(letter).mask.shape[1] for letter in "سلام")
    assert joined.shape[1] < 0.9 * apart
    columns = joined.any(axis=0)
    assert np.count_nonzero(np.diff(columns.astype(int)) == 1) <= 1


def test_right_to_left_lines_of_two_fonts_begin_at_the_right() -> None:
    from avatarium.engine.watermark.typeset import _in_visual_order

    assert [run.face.asset for run in fonts.runs("שלום 你好")] == ["dejavu", "noto-cjk"]
    assert [run.face.asset for run in _in_visual_order("שלום 你好")] == ["noto-cjk", "dejavu"]


def test_without_the_shaping_library_joined_letters_are_refused_and_plain_ones_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(features, "check", lambda name: False)
    assert _set("Made with AI").mask.any()
    with pytest.raises(TextError, match="libfribidi0") as caught:
        _set("مرحبا")
    assert caught.value.code == "text_shaping"


def test_plain_text_is_what_the_font_draws() -> None:
    font = ImageFont.truetype(fonts.DEJAVU.path(), 40, layout_engine=ImageFont.Layout.BASIC)
    drawn = Image.new("L", (400, 80))
    ImageDraw.Draw(drawn).text((10, 50), "Made with AI", fill=255, font=font, anchor="ls")
    assert np.array_equal(_set("Made with AI").mask, np.asarray(drawn.crop(drawn.getbbox())))


def test_a_little_too_long_is_made_smaller_and_much_too_long_is_wrapped() -> None:
    assert len(_set("Made with AI", width=300).lines) == 1
    assert _set("Made with AI", width=300).fontsize < 40
    wrapped = _set("Made with artificial intelligence by nobody at all", width=400)
    assert len(wrapped.lines) > 1 and " ".join(wrapped.lines).split() == [
        *("Made", "with", "artificial", "intelligence", "by", "nobody", "at", "all")
    ]


def test_ideographs_wrap_without_spaces() -> None:
    text = "由人工智能生成的视频仅供参考请勿用于其他用途谢谢合作"
    block = _set(text, width=400)
    assert len(block.lines) > 1 and "".join(block.lines) == text


def test_no_room_for_letters_that_can_be_read_is_said() -> None:
    with pytest.raises(TextError) as caught:
        _set("Made with artificial intelligence", width=14, height=14)
    assert caught.value.code == "text_no_room"


@settings(max_examples=40, deadline=None)
@given(
    text=st.text(alphabet="ab WiM.é漢字й", min_size=1, max_size=200).filter(lambda text: text.split() != []),
    size=st.integers(4, 300),
    width=st.integers(200, 900),
    height=st.integers(150, 500),
)
def test_nothing_runs_out_of_its_box(text: str, size: int, width: int, height: int) -> None:
    try:
        block = _set(" ".join(text.split()), size=size, width=width, height=height)
    except TextError as refused:
        assert refused.code == "text_no_room"
        return
    assert block.mask.shape[0] <= height and block.mask.shape[1] <= width
    assert block.fontsize <= size
