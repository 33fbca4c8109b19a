"""Video: reading pictures and sound from files, fitting pictures into sizes, writing files.

``avatarium.engine.video.loudness`` is not imported here: it brings scipy's filters along, which take a second to load.
"""

from avatarium.engine.colours import parse_colour
from avatarium.engine.video.canvas import Canvas, PixelBox, Rectangle
from avatarium.engine.video.container import open_media
from avatarium.engine.video.encoding import FRAME_RATES, METADATA_KEYS, PRESETS, EncoderOptions, VideoKind
from avatarium.engine.video.frames import read_frames
from avatarium.engine.video.framing import (
    Box,
    Fit,
    Placement,
    Size,
    blurred_ground,
    fit_picture,
    make_ground,
    place,
)
from avatarium.engine.video.probe import ColourTags, SoundFacts, VideoFacts, probe
from avatarium.engine.video.sound import Sound, read_sound
from avatarium.engine.video.sound_writer import SoundKind, SoundWriter
from avatarium.engine.video.stills import THUMBNAIL, cover
from avatarium.engine.video.writer import VideoWriter

__all__ = [
    "FRAME_RATES",
    "METADATA_KEYS",
    "PRESETS",
    "THUMBNAIL",
    "Box",
    "Canvas",
    "ColourTags",
    "EncoderOptions",
    "Fit",
    "PixelBox",
    "Placement",
    "Rectangle",
    "Size",
    "Sound",
    "SoundFacts",
    "SoundKind",
    "SoundWriter",
    "VideoFacts",
    "VideoKind",
    "VideoWriter",
    "blurred_ground",
    "cover",
    "fit_picture",
    "make_ground",
    "open_media",
    "parse_colour",
    "place",
    "probe",
    "read_frames",
    "read_sound",
]
