"""``avatarium marks``: when each word, phoneme and mouth shape happens, for those who drive faces of their own."""

from __future__ import annotations

import json
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avatarium.cli.choices import choice, exactly_one, text_of
from avatarium.cli.models import fetch_missing
from avatarium.errors import OptionError, OutputError

if TYPE_CHECKING:
    from avatarium.engine.speech import Speech


class MarksFormat(Enum):
    """What is written."""

    MARKS = "marks"
    """Words, phonemes and visemes with their times."""
    ARKIT = "arkit"
    """Weights of the 52 ARKit blend shapes, frame by frame."""


def marks(
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="What to say.")] = None,
    text_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="A file with it; - reads from the pipe.")
    ] = None,
    audio: Annotated[str | None, typer.Option(metavar="FILE", help="A recording, in any language.")] = None,
    voice: Annotated[str | None, typer.Option(metavar="NAME", help="A voice: see `avatarium voices`.")] = None,
    language: Annotated[str | None, typer.Option(metavar="TAG", help="Language of the text or recording.")] = None,
    rate: Annotated[float, typer.Option(metavar="0.5-2", help="Speed of the voice.")] = 1.0,
    kind: Annotated[
        str, typer.Option("--format", metavar="NAME", help="marks (words, phonemes, visemes) or arkit (52 curves).")
    ] = "marks",
    fps: Annotated[float, typer.Option(metavar="N", help="Rows a second of the arkit curves.")] = 30.0,
    emotion: Annotated[str, typer.Option(metavar="NAME", help="Of the arkit curves: neutral, happy ...")] = "neutral",
    seed: Annotated[int, typer.Option(metavar="N", help="Of the speech and of the arkit curves.")] = 0,
    out: Annotated[str | None, typer.Option("--out", "-o", metavar="FILE", help="Instead of standard output.")] = None,
) -> None:
    """Write the words, phonemes and visemes of a text or recording as JSON."""
    exactly_one(text=text, text_file=text_file, audio=audio)
    wanted = choice(MarksFormat, kind, "format")
    if not 1 <= fps <= 240:
        raise OptionError(f"{fps:g} rows a second is out of range; give 1 to 240.", code="fps_unknown")
    from avatarium.engine.face import Emotion, arkit_marks, speech_marks

    feeling = choice(Emotion, emotion, "emotion")
    speech = (
        _recorded(audio, language)
        if audio is not None
        else _spoken(text_of(text, text_file), voice, language, rate, seed)
    )
    if wanted is MarksFormat.ARKIT:
        _write(arkit_marks(speech, fps=fps, seed=seed, emotion=feeling), out)
    else:
        _write(speech_marks(speech), out)


def _spoken(text: str, voice: str | None, language: str | None, rate: float, seed: int) -> Speech:
    from avatarium.engine.capabilities import assets_of_voice
    from avatarium.engine.options import SpeakOptions
    from avatarium.engine.speech import join, stream
    from avatarium.engine.talking import choose_voice

    speaker = choose_voice("", SpeakOptions(voice=voice, language=language))
    chunks = stream(text, speaker, rate, seed=seed)
    fetch_missing(assets_of_voice(speaker))
    return join(chunks)


def _recorded(audio: str, language: str | None) -> Speech:
    from avatarium.engine.capabilities import RECOGNISER
    from avatarium.engine.recording import RATE, recognise
    from avatarium.engine.video import read_sound

    sound = read_sound(audio, RATE)
    fetch_missing(RECOGNISER.assets)
    return recognise(sound, language)


def _write(marks: dict[str, Any], out: str | None) -> None:
    if out is None:
        json.dump(marks, sys.stdout, ensure_ascii=False)
        print()
        return
    path = Path(out)
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.write_text(json.dumps(marks, ensure_ascii=False) + "\n", encoding="utf-8")
        unfinished.replace(path)
    except OSError as problem:
        unfinished.unlink(missing_ok=True)
        reason = problem.strerror or type(problem).__name__
        raise OutputError(f"{path} cannot be written: {reason}.", code="output_failed") from problem
    print(path)
