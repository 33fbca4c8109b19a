"""Telling a person from the ground: in photos and videos, before green and blue screens and before known grounds."""

from __future__ import annotations

from avatarium.engine.picture.matting.foregrounds import foreground, pure_foreground
from avatarium.engine.picture.matting.kinds import Alpha, Colour, Image
from avatarium.engine.picture.matting.plugin import MattingPlugin, open_plugin
from avatarium.engine.picture.matting.screen import Screen, find_screen, key_screen
from avatarium.engine.picture.matting.still import person_alpha
from avatarium.engine.picture.matting.video import ENGINE, VideoMatte

__all__ = [
    "ENGINE",
    "Alpha",
    "Colour",
    "Image",
    "MattingPlugin",
    "Screen",
    "VideoMatte",
    "find_screen",
    "foreground",
    "key_screen",
    "open_plugin",
    "person_alpha",
    "pure_foreground",
]
