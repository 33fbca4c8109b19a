"""From a document to the dubbed file: spoken, fitted, mixed, lips moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from avatarium.engine.dubbing.document import LONGEST_S, DubDocument
from avatarium.engine.dubbing.fitting import Placed, fit
from avatarium.engine.dubbing.media import MediaFacts, check_media
from avatarium.engine.dubbing.mixing import mix
from avatarium.engine.dubbing.records import Dubbed
from avatarium.engine.dubbing.speaking import Mouthpiece
from avatarium.engine.speech.records import Word
from avatarium.engine.speech.separation import Stems
from avatarium.engine.speech.speakers import Voice
from avatarium.engine.subtitles import cues, to_srt
from avatarium.engine.video.encoding import EncoderOptions
from avatarium.engine.video.retouch import TimedPaint, repaint
from avatarium.engine.video.revoice import can_copy, replace_sound, write_sound
from avatarium.errors import OptionError, TextError

if TYPE_CHECKING:
    from avatarium.engine.dubbing.lips import Lips

SAID, MIXED = "said", "mixed.wav"
"""What is kept in the folder: speech by its content, and the last mix."""
LIPS_SHARE, SPEECH_SHARE = 0.55, 0.4
LATE_S = 0.3
_SOUND_BITS = 96_000
"""For each channel."""

Progress = Callable[[float], None]
"""Told the share that is done, 0 to 1."""


def render(
    document: DubDocument,
    media: Path,
    stems: Stems,
    out: Path,
    *,
    voices: Mapping[str, Voice],
    folder: Path,
    keep_background: bool = True,
    lips: bool = True,
    threads: int = 2,
    seed: int = 0,
    progress: Progress | None = None,
) -> Dubbed:
    """Render a dubbing. The video keeps its length, frame size and rate; its sound becomes stereo.

    Speech is kept in ``folder`` by what it was made of: with the folder of an earlier rendering only the segments that
    changed are spoken anew. Without lips to move, the picture is taken over packet by packet.

    Args:
        document: what is said and when.
        media: what it was heard in.
        stems: of it.
        out: ``.mp4`` or ``.webm`` for a video; ``.mp3`` or ``.wav`` for a sound, or for the sound of a video alone.
        voices: by the ids of the speakers.
        folder: where pieces are kept.
        keep_background: else only the new voices are heard.
        lips: whether lips are moved where a face is seen.
        threads: of the CPU.
        seed: of all randomness.
        progress: told the share done; what it raises ends the work.

    Raises:
        InputError: as :func:`check_media`; ``video_unreadable``.
        TextError: ``nothing_to_say``: no segment has a translation; or a text that its voice cannot speak.
        OptionError: ``voice_missing`` (a speaker without a voice), ``output_format``.
        OutputError: ``out`` cannot be written.
    """
    tell = progress or (lambda share: None)
    facts = check_media(media)
    _check(document, voices)
    mouthpiece = Mouthpiece(folder / SAID, threads=threads, seed=seed)
    moving = facts.has_picture and out.suffix.lower() not in (".mp3", ".wav")
    ends = (SPEECH_SHARE if lips else 0.85) if moving else 0.95
    duration_s = max(facts.duration_s, document.duration_s, stems.duration_s)
    with ExitStack() as undo:
        painter = undo.enter_context(_painter(media, document, facts)) if moving and lips else None
        placed = fit(document, voices, mouthpiece, lambda share: tell(share * ends))
        if not placed:
            raise TextError("No segment of the transcript has anything to say; translate one.", code="nothing_to_say")
        mixed = mix(document, placed, stems, folder / MIXED, keep_background=keep_background, duration_s=duration_s)
        notes = _notes(placed)
        if not moving:
            write_sound(mixed.path, out)
        else:
            notes += _picture(media, placed, mixed.path, out, painter, lambda share: tell(ends + (1 - ends) * share))
    tell(1.0)
    return Dubbed(
        path=out,
        seconds=duration_s,
        segments=tuple(one.fitted for one in placed),
        srt_source=to_srt(cues(_source_words(document))),
        srt_target=to_srt(cues(_target_words(placed))),
        lips=painter is not None and painter.painted > 0,
        made=mouthpiece.made,
        notes=notes,
    )


def _check(document: DubDocument, voices: Mapping[str, Voice]) -> None:
    for segment in document.segments:
        if segment.speaker not in voices:
            name = document.speaker(segment.speaker).name or segment.speaker
            raise OptionError(f"{name} has no voice; choose one.", code="voice_missing")


def _painter(media: Path, document: DubDocument, facts: MediaFacts) -> Lips:
    from avatarium.engine.dubbing.lips import Lips

    return Lips(media, document.segments, facts.duration_s)


def _picture(
    media: Path, placed: Sequence[Placed], sound: Path, out: Path, painter: Lips | None, tell: Progress
) -> tuple[str, ...]:
    """Write the video; what there is to say of it."""
    options = EncoderOptions(sound_bitrate=_SOUND_BITS)
    if painter is None and can_copy(media, out):
        replace_sound(media, sound, out, options=options)
        return ()
    if painter is not None:
        painter.placed = placed
    prepare = painter.prepare if painter is not None else _as_it_is
    repaint(media, out, prepare, sound=sound, max_s=LONGEST_S + 60, options=options, progress=tell)
    if painter is None:
        return ()
    if painter.painted:
        return _unseen(painter.silent, placed)
    if can_copy(media, out):  # nothing was changed in the picture: the original is better
        replace_sound(media, sound, out, options=options)
    return ("No face was seen speaking in the video, so only its sound was dubbed.",)


def _as_it_is(width: int, height: int) -> TimedPaint:
    return lambda planes, at_s: None


def _unseen(silent: Iterable[str], placed: Sequence[Placed]) -> tuple[str, ...]:
    count = len(set(silent))
    if not count or count == len(placed):
        return ()
    return (f"In {count} of {len(placed)} segments nobody is seen speaking; there the picture is the original.",)


def _notes(placed: Sequence[Placed]) -> tuple[str, ...]:
    notes = []
    short = [one.segment.id for one in placed if one.fitted.shortened]
    late = [one.segment.id for one in placed if one.fitted.late_s > LATE_S]
    if short:
        notes.append(f"Words were left out to keep the time in {_listed(short)}. Shorten the translation yourself.")
    if late:
        notes.append(f"{_listed(late).capitalize()} did not fit into the time and goes on into what follows.")
    return tuple(notes)


def _listed(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:8]) + (" ..." if len(ids) > 8 else "")
    return f"segment {shown}" if len(ids) == 1 else f"segments {shown}"


def _source_words(document: DubDocument) -> list[Word]:
    """The words of the original, evenly over each segment: the document knows only when it begins and ends."""
    words: list[Word] = []
    for segment in document.segments:
        words += spread(segment.text, segment.start_s, segment.end_s)
    return words


def spread(text: str, start_s: float, end_s: float) -> list[Word]:
    """The words of a text over a time, each as long as its letters say."""
    parts = text.split()
    if not parts:
        return []
    edges = [0.0]
    for part in parts:
        edges.append(edges[-1] + len(part) + 1)
    step_s = (end_s - start_s) / edges[-1]
    return [
        Word(text=part, start_s=start_s + a * step_s, end_s=start_s + b * step_s)
        for part, (a, b) in zip(parts, pairwise(edges), strict=True)
    ]


def _target_words(placed: Sequence[Placed]) -> list[Word]:
    words: list[Word] = []
    for one in placed:
        words += spread(one.text, one.fitted.start_s, one.fitted.end_s)
    return words
