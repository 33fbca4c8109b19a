"""How somebody speaks and how it is shown: what all that lay a person out are asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from avatarium.engine.captions.style import CaptionStyle
from avatarium.engine.face import Emotion, Shot
from avatarium.engine.face.style import SpeakingStyle
from avatarium.engine.video.canvas import Canvas
from avatarium.engine.video.encoding import FRAME_RATES
from avatarium.engine.video.framing import Fit, Ground, Size
from avatarium.errors import OptionError

SHAPES = ("16:9", "9:16", "1:1", "4:5")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakOptions:
    """How somebody speaks and how it is shown."""

    voice: str | None = None
    """Name of a voice. None takes the best of ``language``, or a fast English one; of the built-in avatar's gender."""
    language: str | None = None
    """BCP 47 tag such as ``fr``."""
    rate: float = 1.0
    """Speed of the voice, 0.5 to 2."""
    emotion: Emotion = Emotion.NEUTRAL
    strength: float = 1.0
    """How much of the emotion shows, 0 to 1."""
    size: Size | None = None
    """None takes the shape out of :data:`SHAPES` that is nearest to the picture's, with a short side of 720."""
    shot: Shot = Shot.AUTO
    fit: Fit = Fit.CROP
    fps: int = 25
    background: Ground | None = None
    """A colour or picture in place of the photo's own ground."""
    film: Path | None = None
    """A video in place of it, silent, from its beginning again when it ends; also on a canvas that has no ground."""
    blur: float = 0.0
    """How far the ground is out of focus, 0 to 1: the one that was chosen, or else the own. A colour stays as it is."""
    canvas: Canvas | None = None
    """Places the person on a canvas, in place of size, shot, fit and background."""
    alpha: bool = False
    """The person alone on a clear ground; the file must be a WebM."""
    scratch: Path | None = None
    """The folder in which a twin is unpacked while it is shown; None is the system's."""
    style: SpeakingStyle | None = None
    """How this very person speaks; None is how most people do."""
    captions: CaptionStyle | None = None
    """Write what is said into the picture, looking like this."""
    write_down: bool = False
    """Recognise the words of a recording, so that the take knows them; with captions that is done anyway."""
    reverse: bool = True
    """Whether the film of a twin may be played back and forth, where it was laid out so because no moment of it leads
    on to another; else it is only played forwards, and a jump may be seen."""
    face: int = 1
    """1 for the largest face of several."""
    seed: int = 0
    """Of all randomness: the same input gives the same file."""

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise OptionError(
                f"The strength {self.strength:g} is out of range; give one from 0 to 1.", code="bad_strength"
            )
        if self.fps not in FRAME_RATES:
            rates = ", ".join(str(rate) for rate in FRAME_RATES)
            raise OptionError(f"{self.fps} frames a second is not offered. Choose one of {rates}.", code="fps_unknown")
        if not 0 <= self.blur <= 1:
            raise OptionError(f"The blur {self.blur:g} is out of range; give one from 0 to 1.", code="bad_blur")
        if self.face < 1:
            raise OptionError("Faces are counted from 1, the largest.", code="bad_face")
        if self.seed < 0:
            raise OptionError("The seed must not be negative.", code="bad_seed")
        self._check_ground()

    def _check_ground(self) -> None:
        """What is behind somebody is said once."""
        if self.film is not None and (self.background is not None or (self.canvas and self.canvas.ground is not None)):
            raise OptionError("A video and another background exclude each other. Choose one.", code="two_backgrounds")
        if self.alpha and (self.background is not None or self.film is not None or self.blur > 0):
            raise OptionError(
                "A clear background and another background exclude each other. Choose one.", code="alpha_and_background"
            )
        framed = self.size or self.background is not None
        if self.canvas and (framed or self.shot is not Shot.AUTO or self.fit is not Fit.CROP):
            raise OptionError(
                "A canvas tells size, place and background itself. Leave size, shot, fit and background away.",
                code="canvas_and_frame",
            )
        if self.canvas and self.alpha and self.canvas.ground is not None:
            raise OptionError(
                "A clear background and the ground of a canvas exclude each other. Choose one.",
                code="alpha_and_background",
            )


def nearest_size(width: int, height: int) -> Size:
    """The usual shape that is nearest to a picture's, with a short side of 720 pixels."""
    sizes = [Size.parse(shape) for shape in SHAPES]
    return min(sizes, key=lambda size: abs(math.log(width / height * size.height / size.width)))
