"""Captions of talking families: what start calls say of them, the words, and the files beside the video."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from avatarium.engine.captions.style import CaptionStyle
from avatarium.errors import OptionError
from avatarium.families import studio
from avatarium.families.fields import LenientStart
from avatarium.storage.sniff import Kind
from avatarium.tasks.family import Links
from avatarium.tasks.job import Job
from avatarium.tasks.models import Task

if TYPE_CHECKING:
    from avatarium.engine.captions import CaptionPainter
    from avatarium.engine.speech import Word
    from avatarium.engine.video.framing import Size

SHOWN: Mapping[str, Any] = MappingProxyType({"captions_url": "", "captions_vtt_url": ""})
"""What :func:`shown` tells before there is anything."""
SRT, VTT = "captions.srt", "captions.vtt"
_LINE = "captions-line.txt"
"""How many letters a line in the picture holds, so that the files are cut alike."""
_DIGITS = 4
_VALUE_MAX = 128


def _text(given: Any) -> Any:
    return str(given) if isinstance(given, bool | int | float) else given


_Value = Annotated[str, Field(max_length=_VALUE_MAX), BeforeValidator(_text)]


class CaptionAlign(BaseModel):
    """How captions look, in the words of SubStation Alpha."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, frozen=True)

    language: _Value = Field("", description="What is spoken, as en-US; found out where it is empty.")
    PrimaryColour: _Value = Field("", description="Of the letters: `rgba(255,255,255,1)`, `#fff` or `&H00FFFFFF`.")
    OutlineColour: _Value = Field("", description="Round the letters; of the boxes with `BorderStyle` 3.")
    BorderStyle: _Value = Field("", description="1 outline and shadow, 3 a box behind each line, 4 one box (default).")
    BackColour: _Value = Field("", description="Of the box, or of the shadow with `BorderStyle` 1.")
    FontName: _Value = Field("", description="Arial, DejaVu Sans, DejaVu Serif, DejaVu Sans Mono or Noto Sans.")
    Fontsize: _Value = Field("", description="Of a picture whose short side has 1080 pixels: 12 to 240, usually 42.")
    subtitle_position: _Value = Field("", description="From 0, the top, to 1, the bottom; usually 0.85.")
    karaoke: _Value = Field("", description="Whether each word lights up while it is said.")
    HighlightColour: _Value = Field("", description="In which colour it does.")


def _readable(given: Any) -> Any:
    """Names in any spelling; an object, or its JSON as a text."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError as problem:
            raise ValueError("`captionAlign` is no object. Send {} or leave it out.") from problem
    if not isinstance(given, dict):
        return given
    known = {_plain(name): name for name in CaptionAlign.model_fields}
    named = {known.get(_plain(str(name)), str(name)): value for name, value in given.items()}
    return {name: value for name, value in named.items() if value is not None}


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower().replace("color", "colour")


class CaptionedStart(LenientStart):
    """A start call that takes captions."""

    is_caption_enabled: bool = Field(
        False, alias="isCaptionEnabled", description="Write what is said into the picture. It costs nothing more."
    )
    caption_align: Annotated[CaptionAlign, BeforeValidator(_readable)] = Field(
        CaptionAlign(), alias="captionAlign", description="How captions look; each field may be left out."
    )

    @property
    def sound_url(self) -> str:
        """Where the recording is; empty where there is none."""
        return ""

    @property
    def caption_style(self) -> CaptionStyle | None:
        """How captions look; None where none are wanted.

        Raises:
            OptionError: a field of ``captionAlign`` makes no sense.
        """
        return CaptionStyle.given(self.caption_align.model_dump()) if self.is_caption_enabled else None


def shown(task: Task, links: Links) -> dict[str, str]:
    """The fields of a record that lead to what is said, as files with times; empty where that is not known."""
    return {
        "captions_url": links.url(task.result.get("captions_key", "")),
        "captions_vtt_url": links.url(task.result.get("captions_vtt_key", "")),
    }


def listen(job: Job[Any]) -> dict[str, Any]:
    """The step in which a recording is written down, where captions of it are wanted and its words are not known.

    Raises:
        TextError: ``text_shaping``: this machine cannot set them; before anything is drawn.
    """
    words, _ = words_of(job)
    if job.start.caption_style is not None:
        from avatarium.engine.captions.typesetting import check_shaping

        check_shaping(" ".join(word.text for word in words))
    return {}


def painter(job: Job[Any], size: Size) -> CaptionPainter | None:
    """Who writes captions into the frames of a task; None where none are wanted.

    Raises:
        TextError, AssetError: they cannot be set.
    """
    style = job.start.caption_style
    if style is None:
        return None
    from avatarium.engine.captions import CaptionPainter

    words, language = words_of(job)
    style = replace(style, language=style.language or language)
    made = CaptionPainter(style, size, frame_s=1 / studio.FPS, words=words)
    _line_of(job).write_text(str(made.longest_line), encoding="utf-8")
    return made


def publish(job: Job[Any]) -> dict[str, Any]:
    """Keep what is said as files, cut as it is in the picture; tells their keys. Nothing where it is not known."""
    from avatarium.engine.subtitles import LONGEST_LINE, cues, to_srt, to_vtt

    shown_line = _line_of(job)
    longest = int(shown_line.read_text(encoding="utf-8")) if shown_line.exists() else LONGEST_LINE
    made = cues(words_of(job)[0], longest_line=longest)
    if not made:
        return {}
    keys = {}
    for field, name, media_type, text in (
        ("captions_key", SRT, "application/x-subrip", to_srt(made)),
        ("captions_vtt_key", VTT, "text/vtt", to_vtt(made)),
    ):
        path = job.scratch / name
        path.write_text(text, encoding="utf-8")
        keys[field] = job.publish(path, name, media_type)
    return keys


def _line_of(job: Job[Any]) -> Path:
    return job.scratch / f"{job.task.attempt}-{_LINE}"


def words_of(job: Job[Any]) -> tuple[tuple[Word, ...], str]:
    """The words of a task's video and their language: those that were synthesised, else those that are recognised in
    its recording, if captions are wanted. Recognised once in an attempt, while its scratch folder lasts.

    Raises:
        AudioError, OptionError, AssetError: they cannot be recognised.
    """
    from avatarium.engine.speech import Word

    kept = job.scratch / f"{job.task.attempt}-words.json"
    if not kept.exists():
        words, language = _found(job)
        told = {"language": language, "words": [[w.text, round(w.start_s, _DIGITS), w.end_s] for w in words]}
        part = kept.with_suffix(".part")
        part.write_text(json.dumps(told), encoding="utf-8")
        part.replace(kept)
    noted = json.loads(kept.read_text(encoding="utf-8"))
    lasts_s = job.results.get("lasts_s", job.results.get("sound_s", 0.0))
    told_all = (Word(text=text, start_s=start_s, end_s=end_s) for text, start_s, end_s in noted["words"])
    return tuple(replace(w, end_s=min(w.end_s, lasts_s)) for w in told_all if w.start_s < lasts_s), noted["language"]


def _found(job: Job[Any]) -> tuple[Sequence[Word], str]:
    if "sound_s" not in job.results:
        return (), ""
    style = job.start.caption_style
    path = job.fetch(job.start.sound_url, Kind.SOUND, "sound").path
    spoken = studio.spoken_file(job, path, job.facts["marks_key"])
    if spoken is not None:
        return spoken.words, spoken.language
    if style is None:
        return (), ""
    from avatarium.engine.speech.transcripts import transcribe

    heard = transcribe(path, language=_hearable(style.language), speakers=1, progress=job.progress)
    return [word for said in heard.segments for word in said.words], heard.language


def _hearable(language: str) -> str:
    """A language that recognition knows; any other is found out."""
    from avatarium.engine.speech.transcripts import languages

    code = language.split("-")[0].lower()
    return code if code in languages() else ""


def check(start: CaptionedStart) -> None:
    """Refuse a look that makes no sense.

    Raises:
        OptionError: the sentence names the field.
    """
    try:
        start.caption_style  # noqa: B018 - reading it checks it
    except OptionError as problem:
        raise OptionError(f"`captionAlign`: {problem.message}", code=problem.code) from problem
