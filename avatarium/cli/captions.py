"""Options of captions, and files of subtitles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from avatarium.errors import OptionError, OutputError

if TYPE_CHECKING:
    from avatarium.engine.captions import CaptionStyle
    from avatarium.engine.speech import Word
    from avatarium.engine.subtitles import Cue
    from avatarium.engine.video.framing import Size

ENDINGS = (".srt", ".vtt")


def caption_style(text: str | None) -> CaptionStyle:
    """How captions look, from the JSON of a ``captionAlign``; the usual look for None.

    Raises:
        OptionError: ``caption_style``, or as :meth:`CaptionStyle.given`.
    """
    from avatarium.engine.captions import CaptionStyle

    try:
        fields = json.loads(text) if text else {}
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise OptionError(
            'The style of captions is an object such as {"Fontsize": 60, "BorderStyle": 1}. Write it so.',
            code="caption_style",
        )
    return CaptionStyle.given(fields)


def subtitle_file(name: str) -> Path:
    """Where subtitles go.

    Raises:
        OptionError: ``subtitle_format``.
        OutputError: there is no such folder, or a folder of that name.
    """
    from avatarium.engine.video.part import check_place

    path = Path(name)
    if path.suffix.lower() not in ENDINGS:
        raise OptionError(f"{path.name} must be named {' or '.join(ENDINGS)}.", code="subtitle_format")
    check_place(path)
    return path


def write_subtitles(path: Path, words: Sequence[Word], *, like: CaptionStyle | None, frame: Size) -> None:
    """Cut words into cues and write them, with the lines of captions that are ``like`` these in the picture.

    Raises:
        OutputError: ``output_failed``.
    """
    from avatarium.engine.captions.painter import line_length
    from avatarium.engine.subtitles import LONGEST_LINE, cues

    made = cues(words, longest_line=line_length(like, frame) if like else LONGEST_LINE)
    try:
        path.write_text(_written(made, path.suffix.lower().lstrip(".")), encoding="utf-8")
    except OSError as problem:
        raise OutputError(
            f"{path.name} could not be written: {problem.strerror or 'the disk refused it'}.", code="output_failed"
        ) from problem
    print(f"{path}: {len(made)} captions")


def subtitle_text(words: Sequence[Word], kind: str) -> str:
    """Words as the text of a file of subtitles, ``srt`` or ``vtt``."""
    from avatarium.engine.subtitles import cues

    return _written(cues(words), kind)


def _written(made: Sequence[Cue], kind: str) -> str:
    from avatarium.engine.subtitles import to_srt, to_vtt

    return to_vtt(made) if kind == "vtt" else to_srt(made)
