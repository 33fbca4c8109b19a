"""Clips to make twins from: own ones that may be shown, and whatever else there is to measure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from avatarium.engine.options import SpeakOptions
from avatarium.engine.talking import speak
from avatarium.engine.video.framing import Size

OWN_TEXT = (
    "Good morning, and thank you for coming by. My people back home have always been fond of big, beautiful mornings "
    "like this one. Would you believe how far we walked before breakfast? First over the bridge, then along the river, "
    "and finally up the hill to the old chapel, where someone was playing the flute."
)
"""About fifteen seconds, every kind of sound in them."""
SIZE = Size(720, 720)
SHORTEST_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A clip and whether its pictures may be published."""

    name: str
    path: Path
    own: bool


_OWN = {
    "ava": ("ava", "af_heart"),
    "noah": ("noah", "am_michael"),
    "mona-lisa": ("painting-mona-lisa.jpg", "af_bella"),
    "bouguereau": ("painting-woman-bouguereau.jpg", "bf_emma"),
}
"""Portrait and voice. The first two ship with the product, the others hang in museums and are in the public domain."""


def own_clips(folder: Path, media: Path) -> list[Source]:
    """Let the photo actor film four people; those whose picture is not here are left out."""
    found: list[Source] = []
    for name, (portrait, voice) in _OWN.items():
        avatar = portrait if "." not in portrait else str(media / "portraits" / portrait)
        if "." in portrait and not Path(avatar).is_file():
            continue
        path = folder / f"own-{name}.mp4"
        if not path.is_file():
            speak(avatar, path, text=OWN_TEXT, options=SpeakOptions(voice=voice, size=SIZE, seed=len(found) + 1))
        found.append(Source(name=name, path=path, own=True))
    return found


def media_clips(media: Path) -> list[Source]:
    """The talking people of the test media: measured, never shown."""
    folder = media / "talking-videos"
    files = sorted(folder.glob("*.mp4")) if folder.is_dir() else []
    return [Source(name=file.stem, path=file, own=False) for file in files]
