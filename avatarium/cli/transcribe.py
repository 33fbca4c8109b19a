"""``avatarium transcribe``: what is said in a recording, as text, as subtitles or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avatarium.cli.captions import subtitle_text
from avatarium.cli.console import note, stderr
from avatarium.cli.models import fetch_missing
from avatarium.errors import OptionError, OutputError

if TYPE_CHECKING:
    from avatarium.engine.speech.transcripts import Transcript


def transcribe(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording, or a video with sound.")],
    srt: Annotated[bool, typer.Option("--srt", help="As SubRip subtitles.")] = False,
    vtt: Annotated[bool, typer.Option("--vtt", help="As WebVTT subtitles.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="As JSON: sentences and words with their times, and who says them.")
    ] = False,
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="FILE", help="Where to, and not to the screen.")
    ] = None,
    language: Annotated[str, typer.Option(metavar="TAG", help="What is spoken, such as fr; heard if left out.")] = "",
    translate: Annotated[bool, typer.Option("--translate", help="Write English, whatever is spoken.")] = False,
    speakers: Annotated[
        int, typer.Option(metavar="N", help="How many people speak; 0 counts them, 1 tells nobody apart.")
    ] = 0,
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="Names and terms to expect.")] = "",
) -> None:
    """Write down what is said in a recording.

    avatarium transcribe talk.mp3 --srt --out talk.srt
    """
    if srt + vtt + as_json > 1:
        raise OptionError("Give one of --srt, --vtt and --json.", code="two_formats")
    if speakers < 0:
        raise OptionError("Give the number of speakers, or 0 to have them counted.", code="bad_speakers")
    from avatarium.engine.capabilities import TRANSCRIPTION
    from avatarium.engine.speech.transcripts import Task
    from avatarium.engine.speech.transcripts import transcribe as work

    apart = () if speakers == 1 else ("speakers",)
    fetch_missing((*TRANSCRIPTION.assets, *apart))
    with _bar() as progress:
        found = work(
            file,
            language=language,
            task=Task.TRANSLATE if translate else Task.TRANSCRIBE,
            speakers=speakers or None,
            prompt=prompt,
            progress=progress,
        )
    if not found.segments:
        note("nobody speaks in it")
    kind = "srt" if srt else "vtt" if vtt else "json" if as_json else "text"
    _deliver(_written(found, kind), out)


def _written(found: Transcript, kind: str) -> str:
    if kind == "json":
        return json.dumps(found.record(), ensure_ascii=False, indent=1) + "\n"
    if kind != "text":
        return subtitle_text([word for said in found.segments for word in said.words], kind)
    return "".join(f"{line}\n" for line in _lines(found))


def _lines(found: Transcript) -> Iterator[str]:
    """A paragraph for everybody's turn, named where there are several."""
    from avatarium.engine.speech.transcripts import joined

    turn: list[str] = []
    for said, following in zip(found.segments, (*found.segments[1:], None), strict=True):
        turn.append(said.text)
        if following is None or following.speaker != said.speaker:
            text = joined(turn, found.written)
            yield f"Speaker {said.speaker + 1}: {text}" if found.speakers > 1 else text
            turn = []


def _deliver(text: str, out: str | None) -> None:
    if out is None:
        print(text, end="")
        return
    try:
        Path(out).write_text(text, encoding="utf-8")
    except OSError as problem:
        raise OutputError(
            f"{out} could not be written: {problem.strerror or 'the disk refused it'}.", code="output_failed"
        ) from problem


@contextmanager
def _bar() -> Iterator[Callable[[float], None]]:
    from rich.progress import Progress

    console = stderr()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("listening", total=1.0)
        yield lambda share: bar.update(task, completed=share)
