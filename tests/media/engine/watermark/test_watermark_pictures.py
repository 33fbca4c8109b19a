"""Marks in real photos: where they should be, as bright as they should be, and nothing else touched."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from avatarium.engine.picture import read_picture
from avatarium.engine.watermark import LogoMark, Position, TextMark, fonts, picture_ending, watermark_picture
from avatarium.errors import AvatariumError, OptionError, OutputError, PictureError

Pixels = NDArray[np.uint8]

WHERE = {
    Position.TOP_LEFT: (0.0, 0.0),
    Position.TOP: (0.5, 0.0),
    Position.TOP_RIGHT: (1.0, 0.0),
    Position.LEFT: (0.0, 0.5),
    Position.CENTER: (0.5, 0.5),
    Position.RIGHT: (1.0, 0.5),
    Position.BOTTOM_LEFT: (0.0, 1.0),
    Position.BOTTOM: (0.5, 1.0),
    Position.BOTTOM_RIGHT: (1.0, 1.0),
}


def _pixels(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def _changed(before: Pixels, after: Pixels) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what differs."""
    differs = (before != after).any(axis=2)
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _plain(tmp_path: Path, colour: tuple[int, ...], size: tuple[int, int] = (800, 600)) -> Path:
    path = tmp_path / "plain.png"
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(path)
    return path


def _logo(tmp_path: Path, size: tuple[int, int] = (200, 100)) -> Path:
    path = tmp_path / "logo.png"
    logo = Image.new("RGBA", size, (255, 0, 255, 0))
    ImageDraw.Draw(logo).rectangle((size[0] // 4, 0, size[0] * 3 // 4 - 1, size[1]), fill=(10, 120, 240, 255))
    logo.save(path)
    return path


@pytest.mark.parametrize("photo", ["woman-720p.jpg", "man-dark-smile-teeth.jpg", "synthetic-man-0056.jpg"])
def test_the_words_are_read_back_where_they_belong(portraits: Path, tmp_path: Path, photo: str) -> None:
    out = tmp_path / "marked.png"
    watermark_picture(portraits / photo, out, TextMark(text="Made with AI", fontsize=40))
    before, after = read_picture(portraits / photo).rgb, _pixels(out)
    template = Image.new("L", (400, 60))
    font = ImageFont.truetype(fonts.DEJAVU.path(), 40, layout_engine=ImageFont.Layout.BASIC)
    ImageDraw.Draw(template).text((4, 44), "Made with AI", fill=255, font=font, anchor="ls")
    letters = np.asarray(template.crop(template.getbbox()))
    gain = np.abs(after.astype(int) - before).sum(axis=2).astype(np.float32)
    brighter = np.where((after.astype(int) - before).sum(axis=2) > 0, gain, 0).astype(np.float32)
    _, score, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(brighter, letters.astype(np.float32), cv2.TM_CCOEFF_NORMED))
    assert score > 0.75
    height, width = after.shape[:2]
    assert x + letters.shape[1] > 0.9 * width and y + letters.shape[0] > 0.9 * height
    left, top, right, bottom = _changed(before, after)
    assert x - left < 20 and y - top < 20 and right <= width and bottom <= height


@pytest.mark.parametrize("position", WHERE)
@pytest.mark.parametrize("size", [(800, 600), (450, 900), (301, 233)])
def test_every_position_keeps_its_margin(tmp_path: Path, position: Position, size: tuple[int, int]) -> None:
    source, out = _plain(tmp_path, (90, 90, 90), size), tmp_path / "marked.png"
    watermark_picture(source, out, TextMark(text="AI", fontsize=40, position=position))
    left, top, right, bottom = _changed(_pixels(source), _pixels(out))
    margin = 0.03 * min(size)
    for low, high, side, share in (
        (left, right, size[0], WHERE[position][0]),
        (top, bottom, size[1], WHERE[position][1]),
    ):
        gaps = {0.0: low, 1.0: side - high, 0.5: (low + side - high) / 2}
        expected = (side - (high - low)) / 2 if share == 0.5 else margin
        assert gaps[share] == pytest.approx(expected, abs=9)
        assert low >= margin - 1 and side - high >= margin - 1


@pytest.mark.parametrize("colour", [(255, 255, 255, 200), (255, 0, 0, 255), (0, 0, 0, 128), (10, 200, 30, 40)])
@pytest.mark.parametrize("ground", [(0, 0, 0), (255, 255, 255), (120, 130, 140)])
def test_letters_have_exactly_their_colour_and_opacity(
    tmp_path: Path, colour: tuple[int, int, int, int], ground: tuple[int, int, int]
) -> None:
    source, out = _plain(tmp_path, ground), tmp_path / "marked.png"
    watermark_picture(source, out, TextMark(text="\u2588\u2588", fontsize=90, fontcolor=colour))
    box = _pixels(out)[520:535, 680:740]  # the middle of a block
    expected = [round(c * colour[3] / 255 + g * (1 - colour[3] / 255)) for c, g in zip(colour[:3], ground, strict=True)]
    assert np.abs(box.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("ground", [0, 60, 128, 190, 255])
@pytest.mark.parametrize("colour", [(255, 255, 255, 200), (0, 0, 0, 220), (200, 30, 30, 255), (128, 128, 128, 255)])
def test_letters_stand_out_from_any_ground(tmp_path: Path, ground: int, colour: tuple[int, int, int, int]) -> None:
    source, out = _plain(tmp_path, (ground,) * 3), tmp_path / "marked.png"
    watermark_picture(source, out, TextMark(text="Made with AI", fontcolor=colour))
    left, top, right, bottom = _changed(_pixels(source), _pixels(out))
    luma = _pixels(out)[top:bottom, left:right].astype(float) @ [0.2126, 0.7152, 0.0722]
    assert luma.max() - luma.min() > 75


def test_tiles_cover_the_picture_and_leave_most_of_it(portraits: Path, tmp_path: Path) -> None:
    source, out = portraits / "woman-720p.jpg", tmp_path / "marked.png"
    watermark_picture(source, out, TextMark(text="preview", fontsize=30, position=Position.TILE))
    differs = (_pixels(out) != read_picture(source).rgb).any(axis=2)
    assert 0.02 < differs.mean() < 0.4
    for rows in np.array_split(differs, 3):
        assert all(part.any() for part in np.array_split(rows, 3, axis=1))


def test_a_long_text_stays_inside(tmp_path: Path) -> None:
    source, out = _plain(tmp_path, (90, 90, 90), (480, 480)), tmp_path / "marked.png"
    watermark_picture(source, out, TextMark(text="word " * 99))
    left, top, right, bottom = _changed(_pixels(source), _pixels(out))
    assert left >= 14 and right <= 466 and top >= 200 and bottom <= 466


def test_the_largest_font_size_fills_the_width() -> None:
    """Once the room for the outline was measured at the size asked for, and the letters shrank to nothing."""
    from avatarium.engine.watermark.overlay import make_overlay

    overlay = make_overlay(TextMark(text="Huge", fontsize=2000, position=Position.TOP), 480, 480)
    assert 380 < overlay.rgba.shape[1] <= 452


def test_a_logo_has_its_size_its_clear_parts_and_its_opacity(tmp_path: Path) -> None:
    source, out = _plain(tmp_path, (0, 0, 0)), tmp_path / "marked.png"
    mark = LogoMark(path=_logo(tmp_path), position=Position.TOP_LEFT, opacity=0.5)
    watermark_picture(source, out, mark)
    left, top, right, bottom = _changed(_pixels(source), _pixels(out))
    # 0.35 by 0.18 of 600 holds a 2:1 logo at 210 x 105; its middle half is painted, with softened edges.
    assert bottom - top == pytest.approx(105, abs=2) and right - left == pytest.approx(105, abs=6)
    assert _pixels(out)[top + 50, left + 55].tolist() == pytest.approx([5, 60, 120], abs=1)
    assert not _pixels(out)[..., 0].max() > 30  # the magenta that hides in the clear part stays hidden


def test_scale_ratio_scales_up_to_the_picture(tmp_path: Path) -> None:
    source, out = _plain(tmp_path, (0, 0, 0)), tmp_path / "marked.png"
    heights = []
    for scale in (0.5, 1, 2, 20):
        watermark_picture(source, out, LogoMark(path=_logo(tmp_path), scale_ratio=scale, position=Position.CENTER))
        _, top, _, bottom = _changed(_pixels(source), _pixels(out))
        heights.append(bottom - top)
    assert heights[:3] == [pytest.approx(52, abs=2), pytest.approx(105, abs=2), pytest.approx(210, abs=3)]
    assert heights[3] <= 564


@pytest.mark.parametrize("ending", [".png", ".webp"])
def test_a_clear_ground_stays_clear_around_the_mark(tmp_path: Path, ending: str) -> None:
    source, out = _plain(tmp_path, (10, 20, 30, 0)), tmp_path / f"marked{ending}"
    watermark_picture(source, out, TextMark(text="\u2588\u2588", fontsize=90, fontcolor=(255, 255, 255, 200)))
    pixels = np.asarray(Image.open(out))
    assert pixels.shape[2] == 4 and not pixels[:300, :, 3].any()
    assert pixels[525, 700].tolist() == pytest.approx([255, 255, 255, 200], abs=2)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_kind_of_file_stays(portraits: Path, tmp_path: Path, kind: str) -> None:
    source = tmp_path / "source"
    Image.open(portraits / "woman-720p.jpg").save(source, format=kind)
    out = tmp_path / f"marked{picture_ending(source)}"
    watermark_picture(source, out, TextMark(text="Made with AI", position=Position.TOP))
    with Image.open(out) as made:
        assert made.format == kind and made.size == (1280, 720)
    below = np.abs(_pixels(out)[300:].astype(int) - _pixels(source)[300:])
    assert below.max() <= (0 if kind == "PNG" else 40) and below.mean() < 1.5


def test_720p_scales_down_and_never_up(portraits: Path, tmp_path: Path) -> None:
    for photo, size in (("synthetic-man-0056.jpg", (720, 720)), ("man-glasses.jpg", (480, 480))):
        out = tmp_path / "marked.jpg"
        watermark_picture(portraits / photo, out, TextMark(text="AI"), to_720p=True)
        assert _size(out) == size


def test_a_sideways_phone_photo_is_marked_upright(tmp_path: Path) -> None:
    source, out = tmp_path / "phone.jpg", tmp_path / "marked.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (400, 300), (90, 90, 90)).save(source, exif=exif)
    watermark_picture(source, out, TextMark(text="AI", position=Position.TOP))
    assert _size(out) == (300, 400)
    assert _changed(np.full((400, 300, 3), 90, np.uint8), _pixels(out))[3] < 120


def _refused(path: Path, out: Path, mark: TextMark | LogoMark, kind: type[AvatariumError]) -> str:
    with pytest.raises(kind) as caught:
        watermark_picture(path, out, mark)
    assert not out.exists() and not list(out.parent.glob(".*.part"))
    return caught.value.code


def test_what_is_no_picture_is_refused(portraits: Path, media: Path, tmp_path: Path) -> None:
    out, mark = tmp_path / "marked.png", TextMark(text="AI")
    cut = tmp_path / "cut.jpg"
    cut.write_bytes((portraits / "woman-720p.jpg").read_bytes()[:50_000])
    assert _refused(cut, out, mark, PictureError) == "picture_unreadable"
    assert _refused(media / "talking-videos" / "man-glasses-480.mp4", out, mark, PictureError) == "picture_format"
    assert _refused(tmp_path / "none.png", out, mark, PictureError) == "picture_missing"
    moving = tmp_path / "moving.gif"
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    frames[0].save(moving, save_all=True, append_images=frames[1:])
    assert _refused(moving, out, mark, PictureError) == "picture_moves"


def test_a_logo_that_cannot_be_read_is_refused(portraits: Path, tmp_path: Path) -> None:
    broken = tmp_path / "logo.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    mark = LogoMark(path=broken)
    assert _refused(portraits / "man-glasses.jpg", tmp_path / "m.png", mark, PictureError) == "picture_unreadable"


def test_names_and_folders_that_cannot_be_are_refused(portraits: Path, tmp_path: Path) -> None:
    photo, mark = portraits / "man-glasses.jpg", TextMark(text="AI")
    assert _refused(photo, tmp_path / "m.bmp", mark, OptionError) == "output_format"
    clear = _plain(tmp_path, (0, 0, 0, 0))
    assert _refused(clear, tmp_path / "m.jpg", mark, OptionError) == "output_alpha"
    with pytest.raises(OutputError):
        watermark_picture(photo, tmp_path / "nowhere" / "m.png", mark)
