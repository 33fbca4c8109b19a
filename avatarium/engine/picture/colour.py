"""Any mode that Pillow decodes to, brought to eight-bit sRGB and a separate alpha."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_PROFILE_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
"""Colour space of an ICC profile (its signature, stripped) to the Pillow mode it describes."""


def to_srgb(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """The colours as sRGB ``(height, width, 3)`` and the alpha ``(height, width)``, None where all is opaque."""
    colours, alpha = _split_alpha(image)
    colours = _eight_bits(colours)
    rgb = _through_profile(colours, image.info.get("icc_profile")) or colours.convert("RGB")
    return np.array(rgb, np.uint8), alpha


def _split_alpha(image: Image.Image) -> tuple[Image.Image, NDArray[np.uint8] | None]:
    if not image.has_transparency_data:
        return image, None
    whole = image.convert("RGBA")
    alpha = np.array(whole.getchannel("A"), np.uint8)
    colours = image.getchannel("L") if image.mode == "LA" else whole.convert("RGB")
    return colours, None if bool((alpha == 255).all()) else alpha


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray(_scaled(np.asarray(image), 65535.0))
    if image.mode in ("I", "F"):
        values = np.asarray(image, np.float64)
        return Image.fromarray(_scaled(values, _white_of(values)))
    return image if image.mode in ("L", "RGB", "CMYK", "LAB") else image.convert("RGB")


def _scaled(values: NDArray[np.generic], white: float) -> NDArray[np.uint8]:
    scaled = np.nan_to_num(values.astype(np.float32)) * np.float32(255.0 / white)
    eight: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return eight


def _white_of(values: NDArray[np.float64]) -> float:
    """The full scale of a 32-bit grey picture: it is not written in the file, so the largest value tells."""
    largest = float(np.nanmax(values, initial=0.0))
    return next((white for white in (1.0, 255.0, 65535.0) if largest <= white), largest)


def _through_profile(image: Image.Image, icc: object) -> Image.Image | None:
    """The picture in sRGB by its embedded ICC profile; None where none fits the picture."""
    if not isinstance(icc, bytes) or not icc:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if _PROFILE_MODES.get(source.profile.xcolor_space.strip()) != image.mode:
            return None
        return ImageCms.profileToProfile(
            image,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
