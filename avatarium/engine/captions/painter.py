"""Captions as they come and go in a video: cues in, frames with captions out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.captions.plates import Layout, Mark, Plate, room_in
from avatarium.engine.captions.spans import Timed, timed_words
from avatarium.engine.captions.style import OF_LINES, CaptionStyle
from avatarium.engine.captions.typesetting import settable
from avatarium.engine.subtitles import LONGEST_LINE, Cue, cues
from avatarium.engine.video.framing import Size

if TYPE_CHECKING:  # the package of speech brings its models along when it is imported
    from avatarium.engine.speech.records import Word

Image = NDArray[np.uint8]

_LETTER = 0.55
"""Of the font size: how wide a letter is, about."""
_FEWEST = 8
"""Letters in a line; where fewer would fit, the font gets smaller instead."""


class CaptionPainter:
    """Draws the captions of one video into its frames.

    Each cue is drawn once and laid over the frames while it is due, which changes the pixels of its box and no others.
    Not for several threads at once.

    Args:
        style: how they look.
        size: of the frames.
        frame_s: how long a frame is seen. A cue is shown from the frame that is nearest to its beginning.
        words: those of the whole video, which can be cut better when they are known before it is made. None where
            they are to be heard piece by piece.

    Raises:
        TextError: ``text_shaping``: this machine cannot set them.
        AssetError: a font cannot be fetched.
    """

    def __init__(
        self, style: CaptionStyle, size: Size, *, frame_s: float = 0.04, words: Sequence[Word] | None = None
    ) -> None:
        self.style = style
        self._known = words is not None
        self._size = size
        self._early_s = frame_s / 2
        self._cues: list[Cue] = []
        self._starts: list[float] = []
        self._timed: list[tuple[Timed, ...]] = []
        self._layout: tuple[int, Layout | None] | None = None
        self._plate: tuple[tuple[int, tuple[Mark, ...]], Plate] | None = None
        self.show(cues(words or (), longest_line=self.longest_line), words or ())

    def hear(self, words: Sequence[Word]) -> None:
        """Show words that are said after all words so far; nothing happens where all are known.

        Raises:
            TextError, AssetError: as the class.
        """
        if not self._known:
            self.show(cues(words, longest_line=self.longest_line), words)

    def show(self, made: Iterable[Cue], words: Sequence[Word] = ()) -> None:
        """Show cues that follow all cues so far; ``words`` are those of them, where they shall light up.

        Raises:
            TextError, AssetError: as the class.
        """
        added = [self._drawable(cue) for cue in made]
        for cue in added:
            Layout.of(cue.lines, self.style, self._size)  # what cannot be drawn is known before the first frame
        self._cues += added
        self._starts += [cue.start_s for cue in added]
        if self.style.karaoke:
            said = [replace(word, text=settable(word.text, self.style.language)) for word in words]
            self._timed += timed_words(added, said)
        else:
            self._timed += [()] * len(added)

    @property
    def longest_line(self) -> int:
        """How many letters a line holds; see :func:`line_length`."""
        return line_length(self.style, self._size)

    def paint(self, frame: Image, t_s: float) -> Image:
        """Draw what is due into a frame, RGB or RGBA of straight alpha, in place; answers with that frame.

        Args:
            t_s: when the frame is seen, counted as the words are.
        """
        plate = self._due(t_s + self._early_s)
        if plate is not None:
            plate.lay_over(frame)
        return frame

    def _drawable(self, cue: Cue) -> Cue:
        lines = (settable(line, self.style.language) for line in cue.lines)
        return replace(cue, lines=tuple(line for line in lines if line))

    def _due(self, t_s: float) -> Plate | None:
        number = bisect_right(self._starts, t_s) - 1
        if number < 0 or t_s >= self._cues[number].end_s:
            return None
        if self._layout is None or self._layout[0] != number:
            self._layout = (number, Layout.of(self._cues[number].lines, self.style, self._size))
        layout = self._layout[1]
        if layout is None:
            return None
        lit = tuple(timed.mark for timed in self._timed[number] if timed.start_s <= t_s < timed.end_s)
        if self._plate is None or self._plate[0] != (number, lit):
            self._plate = ((number, lit), layout.draw(lit))
        return self._plate[1]


def line_length(style: CaptionStyle, size: Size) -> int:
    """How many letters fit beside each other in a line of a frame, at the size that was asked for."""
    pixels = style.size * min(size.width, size.height) / OF_LINES
    room, _ = room_in(size, round(pixels))
    return max(_FEWEST, min(LONGEST_LINE, int(room / (_LETTER * pixels))))
