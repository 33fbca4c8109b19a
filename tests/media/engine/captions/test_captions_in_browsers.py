"""Lines of captions against the same words in the same font as Chromium sets them: joined, ordered, placed alike."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import BrowserType, Page

from avatarium.engine.captions.bidi import runs_backward
from avatarium.engine.captions.faces import ARIMO
from avatarium.engine.captions.typesetting import Lettering, draw_line, set_line, settable
from avatarium.engine.watermark.fonts import ARABIC, DEJAVU, Face
from avatarium.errors import AssetError
from tests.support.chromium import chromium, launched

__all__ = ["chromium"]

SIZE = 64
LINES = {
    "latin": (ARIMO, "Avatars type “quickly”: AVAWA To Ty."),
    "greek": (ARIMO, "Καλημέρα, τι κάνετε;"),
    "hebrew": (ARIMO, "שלום עולם! ברוכים הבאים"),
    "hebrew with latin": (ARIMO, "אני אומר hello world. כן, בשנת 2026"),
    "arabic": (DEJAVU, "مرحبا بكم في منصتنا الجديدة"),
    "arabic with latin": (DEJAVU, "نتمنى لكم يوما سعيدا مع Avatarium!"),
    "urdu": (ARABIC, "آج موسم بہت اچھا ہے اور میں سیر کے لیے جا رہا ہوں۔"),
    "devanagari": (Face("noto", "Devanagari.ttf"), "क्या स्टेशन यहाँ है? ज्ञान, श्री, र्क्ष"),
    "thai": (Face("noto", "Thai.ttf"), "ยินดีต้อนรับ น้ำ ปี่ ที่ ผู้ใหญ่"),
}
Mask = NDArray[np.float32]


@pytest.fixture(scope="module")
def page(chromium: BrowserType) -> Iterator[Page]:
    with launched(chromium, "--font-render-hinting=none", "--disable-lcd-text") as browser:
        yield browser.new_page(viewport={"width": 1600, "height": 300})


def in_browser(page: Page, text: str, face: Face, *, style: str = "") -> Mask:
    font = base64.b64encode(_there(face).read_bytes()).decode()
    weight = "font-weight: 100 900;" if face.variable else ""
    style += "font-weight: 700;" if face.variable else ""
    direction = "rtl" if runs_backward(text) else "ltr"
    page.set_content(
        f"<style>@font-face {{ font-family: F; {weight} src: url(data:font/ttf;base64,{font}) }}"
        f"body {{ margin: 40px; background: #000; color: #fff; font: {SIZE}px F; direction: {direction}; {style} }}"
        f"</style><span>{text}</span>"
    )
    page.evaluate("document.fonts.ready")
    shot = page.screenshot()
    return trimmed(np.asarray(Image.open(io.BytesIO(shot)).convert("L"), np.float32))


def _there(face: Face) -> Path:
    try:
        return face.path()
    except AssetError as error:
        pytest.skip(f"the font cannot be had here: {error}")


def ours(text: str, face: Face) -> Mask:
    line = set_line(text, Lettering(face=face, size=SIZE, backward=runs_backward(text)))
    return trimmed(draw_line(line, room=40, rows=180, baseline=100, rim=0).letters.astype(np.float32))


def trimmed(mask: Mask) -> Mask:
    seen = mask > 40
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def alike(one: Mask, other: Mask) -> float:
    """Correlation, hairlines forgiven, of two pictures brought to one size."""
    size = (max(one.shape[1], other.shape[1]), max(one.shape[0], other.shape[0]))
    soft = [np.asarray(cv2.GaussianBlur(cv2.resize(mask, size), (0, 0), 2.0), np.float64) for mask in (one, other)]
    return float(np.corrcoef(soft[0].ravel(), soft[1].ravel())[0, 1])


@pytest.mark.parametrize("name", LINES)
def test_a_line_looks_as_in_a_browser(page: Page, name: str) -> None:
    face, text = LINES[name]
    theirs, mine = in_browser(page, text, face), ours(text, face)
    assert mine.shape[1] == pytest.approx(theirs.shape[1], rel=0.015)
    assert mine.shape[0] == pytest.approx(theirs.shape[0], abs=3)
    assert alike(mine, theirs) > 0.9


@pytest.mark.parametrize("name", ["hebrew with latin", "arabic", "arabic with latin"])
def test_letters_in_the_wrong_order_or_apart_would_be_seen(page: Page, name: str) -> None:
    face, text = LINES[name]
    mine = ours(text, face)
    assert alike(mine, in_browser(page, text, face, style="unicode-bidi: bidi-override; direction: ltr;")) < 0.6
    if name.startswith("arabic"):
        apart = "\u200c".join(text)  # letters that do not join
        assert alike(mine, in_browser(page, apart, face)) < 0.6


def test_letters_that_dejavu_lacks_are_set_in_one_font_with_their_line() -> None:
    """Urdu's ہ, ے and full stop were left out, and words fell apart between fonts."""
    _there(ARABIC)
    text = LINES["urdu"][1]
    assert settable(text) == text
    mixed = set_line(f"{text} Avatarium", Lettering(face=ARIMO, size=SIZE, backward=True))
    fonts_of = {piece.font.getname()[0] for piece in mixed.pieces if not piece.text.isascii()}
    assert fonts_of == {"Noto Sans Arabic"}
