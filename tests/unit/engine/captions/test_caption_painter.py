"""Captions in frames: where pixels change, and when."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.captions import CaptionPainter, CaptionStyle
from avatarium.engine.captions.painter import line_length
from avatarium.engine.captions.plates import MARGIN
from avatarium.engine.speech import Word
from avatarium.engine.video.framing import Size

Image = NDArray[np.uint8]
TEXT = "The quick brown fox jumps over the lazy dog, twice."
SIZES = (Size(width=854, height=480), Size(width=480, height=854), Size(width=1080, height=1080))
FRAME_S = 0.04


def words(text: str = TEXT, start_s: float = 1.0) -> list[Word]:
    return [
        Word(text=part, start_s=start_s + 0.3 * i, end_s=start_s + 0.3 * i + 0.28)
        for i, part in enumerate(text.split())
    ]


def ground(size: Size, channels: int = 3) -> Image:
    """Noise, so that anything laid over it shows."""
    return np.random.default_rng(1).integers(0, 256, (size.height, size.width, channels), np.uint8)


def changed(style: CaptionStyle, size: Size, said: Sequence[Word], t_s: float = 1.4) -> NDArray[np.bool_]:
    before = ground(size)
    painter = CaptionPainter(style, size, words=said)
    after: NDArray[np.bool_] = (painter.paint(before.copy(), t_s) != before).any(axis=2)
    return after


def reach(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is set."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("border", [1, 3, 4])
@pytest.mark.parametrize("position", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("fontsize", [42, 240])
def test_captions_stay_in_the_middle_and_within_the_safe_area(
    size: Size, border: int, position: float, fontsize: int
) -> None:
    style = CaptionStyle.given({"BorderStyle": border, "subtitle_position": position, "Fontsize": fontsize})
    left, top, right, bottom = reach(changed(style, size, words()))
    slack = 0.012 * min(size.width, size.height) + 1  # soft shadows reach a little further
    across, down = MARGIN * size.width - slack, MARGIN * size.height - slack
    assert left >= across and size.width - right >= across
    assert top >= down and size.height - bottom >= down
    if border != 1:  # whose shadow falls to the right
        assert abs(left - (size.width - right)) <= 2


def test_the_same_caption_takes_the_same_share_of_every_size() -> None:
    small, large = Size(width=854, height=480), Size(width=3840, height=2160)
    shares = [
        np.array(reach(changed(CaptionStyle(), size, words("One short line.")))) / size.height
        for size in (small, large)
    ]
    assert shares[0] == pytest.approx(shares[1], abs=0.006)
    assert (shares[0][1] + shares[0][3]) / 2 == pytest.approx(0.85, abs=0.004)


def test_the_last_line_stays_where_it_is_whether_there_is_one_or_two() -> None:
    for position, edge in ((0.85, 3), (0.15, 1)):
        style = CaptionStyle(position=position)
        one, two = (reach(changed(style, SIZES[0], words(text))) for text in ("One line.", TEXT.replace(",", "")))
        assert abs(one[edge] - two[edge]) <= 1 and abs(one[4 - edge] - two[4 - edge]) > 10


def test_a_caption_is_seen_from_the_frame_of_its_first_word_to_that_of_its_last() -> None:
    said = words("It is said now.")
    painter = CaptionPainter(CaptionStyle(), SIZES[0], frame_s=FRAME_S, words=said)
    blank = ground(SIZES[0])
    seen = [i for i in range(100) if (painter.paint(blank.copy(), i * FRAME_S) != blank).any()]
    assert seen == list(range(seen[0], seen[-1] + 1))
    assert abs(seen[0] * FRAME_S - said[0].start_s) <= FRAME_S / 2 + 1e-9
    assert abs((seen[-1] + 1) * FRAME_S - said[-1].end_s) <= FRAME_S / 2 + 1e-9


def test_words_told_piece_by_piece_are_shown_as_they_come() -> None:
    painter = CaptionPainter(CaptionStyle(), SIZES[0])
    blank = ground(SIZES[0])
    for start_s in (0.0, 5.0):
        painter.hear(words("Another one.", start_s))
        assert (painter.paint(blank.copy(), start_s + 0.2) != blank).any()
        assert not (painter.paint(blank.copy(), start_s + 3.0) != blank).any()


def test_where_all_words_are_known_those_that_are_told_again_change_nothing() -> None:
    painter = CaptionPainter(CaptionStyle(), SIZES[0], words=words())
    blank = ground(SIZES[0])
    before = painter.paint(blank.copy(), 1.5)
    painter.hear(words("Something else."))
    assert np.array_equal(painter.paint(blank.copy(), 1.5), before)


@pytest.mark.parametrize("text", ["one two three four", "אחת שתיים שלוש ארבע", "واحد اثنان ثلاثة أربعة"])
def test_each_word_lights_up_in_its_place_while_it_is_said(text: str) -> None:
    said = words(text)
    painter = CaptionPainter(CaptionStyle.given({"karaoke": True, "HighlightColour": "#f00"}), SIZES[0], words=said)
    black = np.zeros((SIZES[0].height, SIZES[0].width, 3), np.uint8)
    middles = []
    for word in said:
        frame = painter.paint(black.copy(), (word.start_s + word.end_s) / 2).astype(int)
        red = (frame[..., 0] > 200) & (frame[..., 1] < 60)
        white = frame.min(axis=2) > 200
        assert red.sum() > 50 and white.sum() > 150
        left, _, right, _ = reach(red)
        assert not white[:, left + 2 : right - 2].any(), "nothing else in the lit word's place is white"
        middles.append((left + right) / 2)
    assert middles == sorted(middles, reverse=text[0] != "o")


def test_lighting_up_moves_no_letter() -> None:
    black = np.zeros((SIZES[0].height, SIZES[0].width, 3), np.uint8)
    lit = CaptionPainter(CaptionStyle.given({"karaoke": True}), SIZES[0], words=words())
    plain = CaptionPainter(CaptionStyle(), SIZES[0], words=words())
    one, other = (painter.paint(black.copy(), 1.5).astype(int) for painter in (lit, plain))
    assert np.array_equal(one.max(axis=2) > 60, other.max(axis=2) > 60)


def test_letters_are_exactly_their_colour_and_the_box_lets_through_what_it_should() -> None:
    style = CaptionStyle.given({"PrimaryColour": "rgb(10,200,30)", "BackColour": "rgba(0,0,255,0.5)"})
    white = np.full((SIZES[2].height, SIZES[2].width, 3), 255, np.uint8)
    frame = CaptionPainter(style, SIZES[2], words=words()).paint(white, 1.5)
    inside = {tuple(int(value) for value in colour) for colour in frame.reshape(-1, 3)[::7]}
    assert (10, 200, 30) in inside
    assert any(abs(r - 127) <= 1 and abs(g - 127) <= 1 and b == 255 for r, g, b in inside)


def test_over_a_clear_ground_captions_are_seen_and_the_person_stays() -> None:
    size = SIZES[0]
    clear = np.zeros((size.height, size.width, 4), np.uint8)
    clear[:, :400] = (200, 100, 50, 255)
    frame = CaptionPainter(CaptionStyle(), size, words=words()).paint(clear.copy(), 1.5)
    left, top, right, bottom = reach((frame != clear).any(axis=2))
    box = frame[top:bottom, left:right]
    assert (box[:, 420 - left :, 3] > 0).mean() > 0.95, "the box covers what was clear"
    assert (frame[:top, :400] == clear[:top, :400]).all()
    corner = frame[top + 3, 420]
    assert tuple(corner[:3]) == (0, 0, 0) and corner[3] == pytest.approx(150, abs=1)


def test_letters_that_no_font_has_are_left_out() -> None:
    size, style = SIZES[0], CaptionStyle(karaoke=True)
    one, other = (changed(style, size, words(text)) for text in ("Made in 𒀀 Ur", "Made in Ur"))
    assert reach(one) == reach(other)
    assert not changed(style, size, words("𒀀")).any()


@pytest.mark.parametrize(("size", "letters"), [(SIZES[0], 42), (SIZES[1], 40), (SIZES[2], 40)], ids=str)
def test_how_many_letters_a_line_holds(size: Size, letters: int) -> None:
    assert line_length(CaptionStyle(), size) == letters
    assert line_length(CaptionStyle(size=84), size) < letters
