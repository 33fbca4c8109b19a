"""Subtitles: words with times cut into cues as broadcasters do, and the files that players read (SRT, WebVTT)."""

from __future__ import annotations

from avatarium.engine.subtitles.cutting import LINES, LONGEST_LINE, LONGEST_S, SHORTEST_S, cues
from avatarium.engine.subtitles.files import from_srt, to_srt, to_vtt
from avatarium.engine.subtitles.records import Cue

__all__ = ["LINES", "LONGEST_LINE", "LONGEST_S", "SHORTEST_S", "Cue", "cues", "from_srt", "to_srt", "to_vtt"]
