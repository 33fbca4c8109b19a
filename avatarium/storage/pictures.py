"""Pictures written anew: upright, in sRGB, with nothing in the file but the picture.

What a stranger's file hides beside its pixels (the place where it was taken, a script behind a GIF, a second file) is
gone afterwards. Only for processes that may load the media libraries: see :mod:`avatarium.storage.child`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from avatarium.storage.blobs import full_disk_is_unavailable

JPEG_QUALITY = 95


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """A picture that was written anew."""

    media_type: str
    suffix: str
    width: int
    height: int


def reencode(source: Path, target: Path) -> Cleaned:
    """Write a picture anew: as PNG where it is transparent or was stored without loss, else as JPEG.

    Sides over 4096 pixels are reduced.

    Raises:
        PictureError: it cannot be read; over 100 megapixels are refused before they are unpacked.
        UnavailableError: ``storage_full``.
    """
    from PIL import Image

    from avatarium.engine.picture import PictureFormat, read_picture

    picture = read_picture(source)
    lossless = picture.format in (PictureFormat.PNG, PictureFormat.GIF, PictureFormat.BMP)
    made = Image.fromarray(picture.rgb)
    if picture.alpha is not None:
        made.putalpha(Image.fromarray(picture.alpha))
    with full_disk_is_unavailable():
        if lossless or picture.alpha is not None:
            made.save(target, "PNG", compress_level=4)
            return Cleaned(media_type="image/png", suffix=".png", width=picture.width, height=picture.height)
        made.save(target, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        return Cleaned(media_type="image/jpeg", suffix=".jpg", width=picture.width, height=picture.height)
