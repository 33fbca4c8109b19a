"""SubRip (SRT) and WebVTT, written and, of the first, read."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from avatarium.engine.subtitles.records import Cue
from avatarium.errors import InputError

MOST_CUES = 50_000
"""In a file that is read: a day of speech."""
_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[,.](\d{1,3}))?"
_TIMING = re.compile(rf"[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}")
_MARKUP = re.compile(r"</?(?:[biu]|font|c)\b[^<>]*>|\{\\[^{}]*\}", re.IGNORECASE)


def to_srt(cues: Iterable[Cue]) -> str:
    """The text of an SRT file (UTF-8, no byte order mark)."""
    blocks = (
        f"{number}\n{_stamp(cue.start_s, ',')} --> {_stamp(cue.end_s, ',')}\n{cue.text}\n"
        for number, cue in enumerate(cues, 1)
    )
    return "\n".join(blocks)


def to_vtt(cues: Iterable[Cue]) -> str:
    """The text of a WebVTT file."""
    blocks = (
        f"{_stamp(cue.start_s, '.')} --> {_stamp(cue.end_s, '.')}\n{html.escape(cue.text, quote=False)}\n"
        for cue in cues
    )
    return "\n".join(["WEBVTT\n", *blocks])


def from_srt(text: str) -> tuple[Cue, ...]:
    """The cues of an SRT file as people and programs write it: numbers may be missing, marks of bold and the like go,
    and empty cues are left out.

    Raises:
        InputError: ``subtitles_unreadable``: the sentence names the line.
    """
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    cues = tuple(cue for cue in _cues(plain.split("\n")) if cue.lines)
    if plain.strip() and "-->" not in plain:
        raise _unreadable(1, "has no times such as 00:00:01,000 --> 00:00:02,500")
    if len(cues) > MOST_CUES:
        raise InputError(f"The subtitles have more than {MOST_CUES} entries. Cut them.", code="subtitles_unreadable")
    return tuple(sorted(cues, key=lambda cue: cue.start_s))


def _cues(lines: list[str]) -> Iterator[Cue]:
    at = 0
    while at < len(lines):
        found = _TIMING.match(lines[at])
        if found is None:
            if "-->" in lines[at]:
                raise _unreadable(at + 1, f"has times that nobody can read ({lines[at].strip()[:40]!r})")
            at += 1
            continue
        end = _end_of_cue(lines, at + 1)
        parts = found.groups()
        start_s, end_s = _seconds(parts[:4]), _seconds(parts[4:])
        if end_s < start_s:
            raise _unreadable(at + 1, "ends before it begins")
        shown = (_MARKUP.sub("", line).strip() for line in lines[at + 1 : end])
        yield Cue(start_s=start_s, end_s=end_s, lines=tuple(line for line in shown if line))
        at = end


def _end_of_cue(lines: list[str], at: int) -> int:
    """The first line that is no longer of the cue: an empty one, or the number of the next."""
    while at < len(lines) and lines[at].strip():
        numbered = lines[at].strip().isdigit() and at + 1 < len(lines) and _TIMING.match(lines[at + 1])
        if numbered or _TIMING.match(lines[at]):
            break
        at += 1
    return at


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000


def _stamp(seconds: float, point: str) -> str:
    whole_ms = max(0, round(seconds * 1000))
    minutes, ms = divmod(whole_ms, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{ms // 1000:02d}{point}{ms % 1000:03d}"


def _unreadable(line: int, what: str) -> InputError:
    return InputError(f"The subtitles cannot be read: line {line} {what}. Correct it.", code="subtitles_unreadable")
