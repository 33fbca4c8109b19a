"""``avatarium speak``: a picture and a text, or a recording, become a video."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avatarium.cli.captions import caption_style, subtitle_file, write_subtitles
from avatarium.cli.choices import behind, choice, exactly_one, human_size, text_of
from avatarium.cli.console import note, video_progress
from avatarium.cli.models import fetch_missing
from avatarium.cli.quiet import native_chatter_hidden

if TYPE_CHECKING:
    from avatarium.engine.options import SpeakOptions
    from avatarium.engine.production import Take
    from avatarium.engine.video import Size


def speak(
    avatar: Annotated[
        str,
        typer.Option(
            metavar="FILE|NAME",
            help="A photo or drawing of a face, a video of somebody, or a built-in avatar: ava, noah.",
        ),
    ] = "ava",
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="What to say.")] = None,
    text_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="A file with what to say; - reads from the pipe.")
    ] = None,
    audio: Annotated[str | None, typer.Option(metavar="FILE", help="A recording to say it, in any language.")] = None,
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="The video, .mp4 or .webm.")] = "out.mp4",
    voice: Annotated[str | None, typer.Option(metavar="NAME", help="A voice: see `avatarium voices`.")] = None,
    language: Annotated[
        str | None, typer.Option(metavar="TAG", help="Language of the text or recording, such as fr.")
    ] = None,
    rate: Annotated[float, typer.Option(metavar="0.5-2", help="Speed of the voice.")] = 1.0,
    emotion: Annotated[
        str, typer.Option(metavar="NAME", help="neutral, happy, serious, surprised or sad.")
    ] = "neutral",
    strength: Annotated[float, typer.Option(metavar="0-1", help="How much of the emotion shows.")] = 1.0,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="720p, 1080p, 1280x720, square, portrait, 9:16, 4:5@1080p ...  [default: near the photo's own shape]",
        ),
    ] = None,
    shot: Annotated[
        str, typer.Option(metavar="NAME", help="whole, bust or head; auto comes closer where the face is small.")
    ] = "auto",
    fit: Annotated[
        str, typer.Option(metavar="NAME", help="A photo of another shape: crop it, pad it, or blur what is around it.")
    ] = "crop",
    background: Annotated[
        str | None,
        typer.Option(
            metavar="COLOUR|FILE|blur",
            help="#rrggbb, a colour's name, a picture or a video in place of its own; blur puts that out of focus.",
        ),
    ] = None,
    alpha: Annotated[bool, typer.Option("--alpha", help="A clear background (.webm only).")] = False,
    captions: Annotated[bool, typer.Option("--captions", help="Write what is said into the picture.")] = False,
    captions_style: Annotated[
        str | None,
        typer.Option(
            metavar="JSON", help='How captions look, such as {"Fontsize": 60, "karaoke": true}; see docs/captions.md.'
        ),
    ] = None,
    captions_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Keep what is said as subtitles, .srt or .vtt.")
    ] = None,
    face: Annotated[int, typer.Option(metavar="N", help="Which face of several; 1 is the largest.")] = 1,
    fps: Annotated[int, typer.Option(metavar="N", help="Frames a second: 24, 25, 30 or 50.")] = 25,
    seed: Annotated[int, typer.Option(metavar="N", help="Another number, other movements of head and eyes.")] = 0,
) -> None:
    """Make a video of somebody saying something.

    avatarium speak --avatar photo.jpg --text "Hello there." --out hello.mp4
    """
    exactly_one(text=text, text_file=text_file, audio=audio)
    from avatarium.engine.face import Emotion, Shot
    from avatarium.engine.options import SpeakOptions
    from avatarium.engine.talking import check_output
    from avatarium.engine.video import Fit, Size

    options = SpeakOptions(
        voice=voice,
        language=language,
        rate=rate,
        emotion=choice(Emotion, emotion, "emotion"),
        strength=strength,
        size=Size.parse(size) if size else None,
        shot=choice(Shot, shot, "shot"),
        fit=choice(Fit, fit, "fit"),
        fps=fps,
        **behind(background),
        alpha=alpha,
        captions=caption_style(captions_style) if captions or captions_style else None,
        write_down=captions_file is not None,
        face=face,
        seed=seed,
    )
    check_output(Path(out), alpha=alpha)
    subtitles = subtitle_file(captions_file) if captions_file else None
    words = None if audio is not None else text_of(text, text_file)
    take, frame = _make(avatar, words, audio, Path(out), options)
    if subtitles:
        write_subtitles(subtitles, take.words, like=options.captions, frame=frame)


def _make(avatar: str, text: str | None, audio: str | None, out: Path, options: SpeakOptions) -> tuple[Take, Size]:
    from avatarium.engine.capabilities import RECOGNISER, TRANSCRIPTION, assets_of_voice
    from avatarium.engine.talking import choose_voice, perform, prepare_view, script_of_audio, script_of_text

    if audio is not None:
        heard = TRANSCRIPTION.assets if options.captions or options.write_down else ()
        script, models = script_of_audio(audio, options, note), (*RECOGNISER.assets, *heard)
    else:
        script, models = script_of_text(text or "", avatar, options), assets_of_voice(choose_voice(avatar, options))
    notes: list[str] = []
    with native_chatter_hidden():
        view = prepare_view(avatar, options, notes.append)
    for sentence in notes:
        note(sentence)
    fetch_missing(models)
    with video_progress() as progress:
        take = perform(view, script, out, options=options, progress=progress)
    print(f"{out}: {take.duration_s:.1f} s, {view.size} at {take.fps} fps, {human_size(out.stat().st_size)}")
    print(f"made in {take.wall_s:.1f} s, real-time factor {take.real_time_factor:.2f}")
    return take, view.size
