"""What a file is, told from its first bytes and never from its name or what a server says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

import filetype

HEAD_BYTES = 1 << 16
"""The tracks of a WebM file stand within; everything else within the first 8 KB."""


class Kind(Enum):
    """What a file must be to be of use. The value says so in a sentence."""

    PICTURE = "a picture"
    SOUND = "a sound"
    """A video will do: its sound is taken."""
    VIDEO = "a video"
    VISUAL = "a picture or a video"
    ANY = "a picture, a sound or a video"

    def takes(self, found: Kind) -> bool:
        """Whether a file that was found to be a picture, a sound or a video will do."""
        return found in _TAKES[self]


_TAKES = {
    Kind.PICTURE: {Kind.PICTURE},
    Kind.SOUND: {Kind.SOUND, Kind.VIDEO},
    Kind.VIDEO: {Kind.VIDEO},
    Kind.VISUAL: {Kind.PICTURE, Kind.VIDEO},
    Kind.ANY: {Kind.PICTURE, Kind.SOUND, Kind.VIDEO},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sniffed:
    """A media file."""

    kind: Kind
    """PICTURE, SOUND or VIDEO."""
    media_type: str
    format: str
    """For sound and video the name of FFmpeg's demuxer, for ``av.open(format=)``; for pictures that of the kind."""
    suffix: str


def _media(kind: Kind, media_type: str, name: str, suffix: str) -> Sniffed:
    return Sniffed(kind=kind, media_type=media_type, format=name, suffix=suffix)


_WEBM_SOUND = _media(Kind.SOUND, "audio/webm", "webm", ".weba")
_TS = _media(Kind.VIDEO, "video/mp2t", "mpegts", ".ts")
_MP3 = _media(Kind.SOUND, "audio/mpeg", "mp3", ".mp3")
_AAC = _media(Kind.SOUND, "audio/aac", "aac", ".aac")

# What the library ``filetype`` calls a file, as far as the engine reads it.
_KNOWN: dict[str, Sniffed] = {
    "image/jpeg": _media(Kind.PICTURE, "image/jpeg", "jpeg", ".jpg"),
    "image/png": _media(Kind.PICTURE, "image/png", "png", ".png"),
    "image/apng": _media(Kind.PICTURE, "image/png", "png", ".png"),
    "image/webp": _media(Kind.PICTURE, "image/webp", "webp", ".webp"),
    "image/gif": _media(Kind.PICTURE, "image/gif", "gif", ".gif"),
    "image/bmp": _media(Kind.PICTURE, "image/bmp", "bmp", ".bmp"),
    "image/tiff": _media(Kind.PICTURE, "image/tiff", "tiff", ".tiff"),
    "image/avif": _media(Kind.PICTURE, "image/avif", "avif", ".avif"),
    "audio/mpeg": _MP3,
    "audio/aac": _AAC,
    "audio/mp4": _media(Kind.SOUND, "audio/mp4", "mp4", ".m4a"),
    "audio/ogg": _media(Kind.SOUND, "audio/ogg", "ogg", ".ogg"),
    "audio/x-flac": _media(Kind.SOUND, "audio/flac", "flac", ".flac"),
    "audio/x-wav": _media(Kind.SOUND, "audio/wav", "wav", ".wav"),
    "audio/x-aiff": _media(Kind.SOUND, "audio/aiff", "aiff", ".aiff"),
    "audio/amr": _media(Kind.SOUND, "audio/amr", "amr", ".amr"),
    "video/mp4": _media(Kind.VIDEO, "video/mp4", "mp4", ".mp4"),
    "video/x-m4v": _media(Kind.VIDEO, "video/mp4", "mp4", ".m4v"),
    "video/quicktime": _media(Kind.VIDEO, "video/quicktime", "mov", ".mov"),
    "video/3gpp": _media(Kind.VIDEO, "video/3gpp", "3gp", ".3gp"),
    "video/webm": _media(Kind.VIDEO, "video/webm", "webm", ".webm"),
    "video/x-matroska": _media(Kind.VIDEO, "video/x-matroska", "matroska", ".mkv"),
    "video/x-msvideo": _media(Kind.VIDEO, "video/x-msvideo", "avi", ".avi"),
    "video/x-ms-wmv": _media(Kind.VIDEO, "video/x-ms-wmv", "asf", ".wmv"),
    "video/mpeg": _media(Kind.VIDEO, "video/mpeg", "mpeg", ".mpg"),
    "video/x-flv": _media(Kind.VIDEO, "video/x-flv", "flv", ".flv"),
}

_SOUND_BRANDS = {b"M4A ", b"M4B ", b"M4P "}
_OGG_VIDEO = re.compile(rb"\x80theora|BBCD\0|\x01video")
_MOV_ATOMS = {b"moov", b"mdat", b"wide", b"free", b"skip"}
_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\s*#EXTM3U"), "a playlist (m3u8)"),
    (re.compile(r"\s*ffconcat\s+version"), "a list of files (ffconcat)"),
    (re.compile(r"(?is).{0,500}?<svg[\s>]"), "a drawing (SVG)"),
    (re.compile(r"(?is)\s*(<!--.*?-->\s*)*(<!doctype\s+html|<html|<head|<body|<script)"), "a web page (HTML)"),
    (re.compile(r"(?is)\s*<\?xml|\s*<[a-z]+[\s>]"), "a text (XML)"),
    (re.compile(r"\s*[{\[]"), "a text (JSON)"),
)
_OTHERS = {
    "application/zip": "an archive (ZIP)",
    "application/gzip": "an archive (GZIP)",
    "application/pdf": "a document (PDF)",
    "image/heic": "a HEIC photo",
    "image/jxl": "a JPEG XL picture",
    "audio/midi": "a MIDI file",
}
_ADVICE = {
    Kind.PICTURE: "Use a JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF file.",
    Kind.SOUND: "Use a WAV, MP3, M4A, OGG, Opus or FLAC file, or a video with sound.",
    Kind.VIDEO: "Use an MP4, MOV, WebM, MKV, AVI or MPEG file.",
    Kind.VISUAL: "Use a JPEG, PNG or WebP picture, or an MP4, MOV or WebM video.",
    Kind.ANY: "Use a JPEG or PNG picture, a WAV or MP3 sound, or an MP4 or WebM video.",
}


def sniff(head: bytes) -> Sniffed | None:
    """What the first ``HEAD_BYTES`` of a file tell, or None where it is no media file that is read here."""
    guess = filetype.guess(head) if head else None
    found = _KNOWN.get(guess.mime) if guess else None
    if found is None:
        return _missed(head)
    if found.format in ("webm", "matroska") and b"A_" in head and b"V_" not in head:
        return _WEBM_SOUND
    if found.media_type == "video/mp4" and head[8:12] in _SOUND_BRANDS:
        return _KNOWN["audio/mp4"]
    if found.format == "ogg" and _OGG_VIDEO.search(head[:4096]):
        return _media(Kind.VIDEO, "video/ogg", "ogg", ".ogv")
    return found


def described(head: bytes) -> str:
    """Words for what a file is: "a video", "a web page (HTML)", "empty"."""
    if not head:
        return "an empty file"
    if found := sniff(head):
        return found.kind.value
    guess = filetype.guess(head)
    if guess:
        return _OTHERS.get(guess.mime, f"a file of the kind {guess.extension}")
    text = _as_text(head)
    if text is None:
        return "a file of an unknown kind"
    return next((words for pattern, words in _TEXTS if pattern.match(text)), "a text")


def advice(kind: Kind) -> str:
    """Which files are of a kind, as a sentence."""
    return _ADVICE[kind]


def _missed(head: bytes) -> Sniffed | None:
    """Media files that the library does not know."""
    if head[4:8] in _MOV_ATOMS:
        return _KNOWN["video/quicktime"]
    if head[4:8] == b"ftyp" and head[8:11] in (b"3gp", b"3g2"):
        return _KNOWN["video/3gpp"]
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return _TS
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _KNOWN["audio/x-aiff"]
    if head[:4] == b"RF64" and head[8:12] == b"WAVE":
        return _KNOWN["audio/x-wav"]
    return _bare_frames(head)


def _bare_frames(head: bytes) -> Sniffed | None:
    """MPEG audio without a container (ISO/IEC 11172-3, 2.4.1.3); FF FE is the mark of a text in UTF-16."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or head[1] == 0xFE:
        return None
    if head[1] & 0xF6 == 0xF0:
        return _AAC
    valid = head[1] & 0x06 and head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C
    return _MP3 if valid else None


def _as_text(head: bytes) -> str | None:
    for encoding in ("utf-8-sig", "utf-16") if head[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            text = head[:4096].decode(encoding, errors="ignore" if len(head) > 4096 else "strict")
        except UnicodeDecodeError:
            continue
        if sum(not (character.isprintable() or character.isspace()) for character in text[:1000]) == 0:
            return text
    return None
