"""``avatarium dub``: a video or recording in another language, and the transcript that may be corrected in between."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avatarium.cli.choices import human_size
from avatarium.cli.console import note, stderr
from avatarium.cli.models import fetch_missing
from avatarium.cli.quiet import native_chatter_hidden
from avatarium.errors import InputError, OptionError

if TYPE_CHECKING:
    from avatarium.engine.dubbing import Dubbed, DubDocument
    from avatarium.engine.translation import Translator


def dub(
    media: Annotated[str | None, typer.Argument(metavar="IN", help="A video with sound, or a recording.")] = None,
    out: Annotated[
        str | None, typer.Argument(metavar="OUT", help="A video (.mp4, .webm), or only the sound (.mp3, .wav).")
    ] = None,
    to: Annotated[str, typer.Option("--to", metavar="TAG", help="The language to dub into, such as es.")] = "",
    source: Annotated[str, typer.Option("--from", metavar="TAG", help="What is spoken; found out by itself.")] = "auto",
    voice: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[ID=]NAME",
            help="A voice for everybody, or for one speaker; `clone` makes one after the original. May be repeated.",
        ),
    ] = None,
    speakers: Annotated[int | None, typer.Option(metavar="N", help="How many people speak.")] = None,
    transcript: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The document: read where it exists, else written, then rendered."),
    ] = None,
    only_transcript: Annotated[
        bool, typer.Option("--only-transcript", help="Stop when the document is written, to correct it first.")
    ] = False,
    background: Annotated[bool, typer.Option(help="Keep what sounds behind the voices.")] = True,
    lips: Annotated[bool, typer.Option(help="Move the lips where a face is seen.")] = True,
    work: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Keep pieces there: only what changed is made anew.")
    ] = None,
    srt: Annotated[bool, typer.Option("--srt", help="Write subtitles of both languages beside the result.")] = False,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="List the languages that can be translated, and leave.")
    ] = False,
    translation_url: Annotated[
        str, typer.Option(metavar="URL", envvar="AVATARIUM_TRANSLATION_URL", help="An OpenAI-compatible endpoint.")
    ] = "",
    translation_model: Annotated[
        str, typer.Option(metavar="NAME", envvar="AVATARIUM_TRANSLATION_MODEL", help="The model there.")
    ] = "",
    translation_key: Annotated[
        str, typer.Option(metavar="KEY", envvar="AVATARIUM_TRANSLATION_KEY", help="Its key.", show_default=False)
    ] = "",
) -> None:
    """Dub a video or recording into another language.

    avatarium dub talk.mp4 talk-es.mp4 --to es
    """
    if pairs:
        _print_pairs()
        return
    if media is None or (out is None and not only_transcript):
        raise OptionError("Give what is to be dubbed and the file to write.", code="dub_arguments")
    written = Path(transcript) if transcript else None
    if only_transcript and written is None:
        raise OptionError("Name the file to write with --transcript.", code="dub_arguments")
    translator = _translator(translation_url, translation_model, translation_key)
    with _folder(work) as folder:
        document = _document(Path(media), folder, to, source, speakers, written, translator)
        if only_transcript or out is None:
            return
        document = _cast(document, voice or [])
        made, warnings = _render(document, Path(media), Path(out), folder, background=background, lips=lips)
    for sentence in (*document.notes, *warnings, *made.notes):
        note(sentence)
    if srt:
        Path(out).with_suffix(f".{document.source_language}.srt").write_text(made.srt_source, encoding="utf-8")
        Path(out).with_suffix(f".{document.target_language}.srt").write_text(made.srt_target, encoding="utf-8")
    lips_moved = "lips moved" if made.lips else "sound only"
    size = human_size(Path(out).stat().st_size)
    print(f"{out}: {made.seconds:.1f} s, {len(made.segments)} segments, {lips_moved}, {size}")


def _document(
    media: Path,
    folder: Path,
    to: str,
    source: str,
    speakers: int | None,
    written: Path | None,
    translator: Translator | None,
) -> DubDocument:
    from avatarium.engine.capabilities import DUBBING
    from avatarium.engine.dubbing import DubDocument, Stems, check_media, hear, retranslate
    from avatarium.engine.speech.separation import separate

    check_media(media)
    fetch_missing(DUBBING.assets)
    if written is not None and written.is_file():
        document = retranslate(DubDocument.from_json(written.read_bytes()), None, translator)
        if not Stems.in_folder(folder).there:
            separate(media, folder)
        return document
    if not to:
        raise OptionError("Say into which language, such as --to es.", code="dub_arguments")
    with _bar("listening") as told, native_chatter_hidden():
        document = hear(
            media,
            folder,
            source_language=source,
            target_language=to,
            speakers=speakers,
            translator=translator,
            progress=told,
        )
    if written is not None:
        written.write_text(document.to_json(), encoding="utf-8")
        note(f"The transcript is in {written}.")
    return document


def _cast(document: DubDocument, wanted: list[str]) -> DubDocument:
    """The document with the voices of the command line."""
    for one in wanted:
        who, equals, name = one.rpartition("=")
        known = [speaker.id for speaker in document.speakers]
        if equals and who not in known:
            raise OptionError(f'There is no speaker "{who}"; there are {", ".join(known)}.', code="unknown_speaker")
        cast = tuple(replace(s, voice=name) if not equals or s.id == who else s for s in document.speakers)
        document = replace(document, speakers=cast)
    return document


def _render(
    document: DubDocument, media: Path, out: Path, folder: Path, *, background: bool, lips: bool
) -> tuple[Dubbed, tuple[str, ...]]:
    from avatarium.engine.capabilities import FACES, assets_of_voice
    from avatarium.engine.dubbing import Stems, choose_voices, render

    stems = Stems.in_folder(folder)
    with _bar("casting") as told:
        cast = choose_voices(document, stems, folder=folder, progress=told)
    fetch_missing([name for voice in cast.voices.values() for name in assets_of_voice(voice)])
    fetch_missing(FACES.assets if lips else ())
    with _bar("dubbing") as told, native_chatter_hidden():
        made = render(
            document,
            media,
            stems,
            out,
            voices=cast.voices,
            folder=folder,
            keep_background=background,
            lips=lips,
            progress=told,
        )
    return made, cast.notes


def _translator(url: str, model: str, key: str) -> Translator | None:
    from avatarium.engine.translation.external import ExternalTranslator

    return ExternalTranslator(url=url, model=model, key=key) if url else None


def _print_pairs() -> None:
    from avatarium.engine.translation import pairs

    for pair in pairs():
        state = "" if pair.installed else f"  needs apt install apertium {' '.join(pair.missing)}"
        print(f"{pair.source:>5} -> {pair.target:<5} {pair.quality:<7} {pair.engine}{state}")


@contextmanager
def _folder(work: str | None) -> Iterator[Path]:
    if work is None:
        with tempfile.TemporaryDirectory(prefix="avatarium-dub-") as scratch:
            yield Path(scratch)
        return
    folder = Path(work)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise InputError(f"{folder} cannot be a folder: {problem.strerror}.", code="bad_folder") from problem
    yield folder


@contextmanager
def _bar(what: str) -> Iterator[Callable[[float], None]]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = stderr()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(elapsed_when_finished=True))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda share: bar.update(task, completed=share)
