"""Which files can carry Content Credentials, told from their first bytes."""

from __future__ import annotations

from typing import BinaryIO

from avatarium.engine.picture.sniff import PictureFormat, sniff_picture

_HEAD_BYTES = 64
_PICTURES = {
    PictureFormat.JPEG: "image/jpeg",
    PictureFormat.PNG: "image/png",
    PictureFormat.WEBP: "image/webp",
    PictureFormat.GIF: "image/gif",
    PictureFormat.TIFF: "image/tiff",
    PictureFormat.AVIF: "image/avif",
}
_BRANDS = {b"qt  ": "video/quicktime", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4"}


def media_type(file: BinaryIO) -> str | None:
    """The media type to sign or read a file as; None where the kind has no place for credentials (WebM, Ogg, AVI)."""
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    picture = sniff_picture(head)
    if picture is not None:
        return _PICTURES.get(picture)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head.startswith(b"fLaC"):
        return "audio/flac"
    mpeg_frame = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06
    return "audio/mpeg" if head.startswith(b"ID3") or mpeg_frame else None


def sidecar_type(file: BinaryIO) -> str | None:
    """The media type to sign a file as whose credentials lie beside it: of WebM and Matroska."""
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    return "video/webm" if head.startswith(b"\x1aE\xdf\xa3") else None
