"""Visible marks: words or a logo over pictures and videos."""

from avatarium.engine.watermark.marks import LogoMark, Mark, Position, TextMark
from avatarium.engine.watermark.picture import picture_ending, watermark_picture
from avatarium.engine.watermark.video import video_ending, watermark_video

__all__ = [
    "LogoMark",
    "Mark",
    "Position",
    "TextMark",
    "picture_ending",
    "video_ending",
    "watermark_picture",
    "watermark_video",
]
