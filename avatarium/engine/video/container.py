"""Opening a media file that a user sent: told from its content, opened as that alone, and only from the disk.

FFmpeg guesses when it is not told: a text named ``.mp4`` may be a playlist that opens other files or addresses. So
the kind is told here from the first bytes, playlists are not among the kinds, and no protocol but ``file`` is
allowed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer

from avatarium.engine.files import StrPath, open_regular
from avatarium.errors import InputError

_HEAD_BYTES = 4096
_STALL_S = 60.0

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"\x00\x00\x01\xb3", "mpegvideo"),
    (b"FLV\x01", "flv"),
    (b"0&\xb2u\x8ef\xcf\x11", "asf"),
    (b".snd", "au"),
    (b"caff", "caf"),
    (b"#!AMR", "amr"),
    (b"wvpk", "wv"),
    (b"riff\x2e\x91\xcf\x11", "w64"),
)
_RIFF = {b"WAVE": "wav", b"AVI ": "avi"}
_MOV_ATOMS = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}


def open_media(path: StrPath, *, error: type[InputError], noun: str, called: str | None = None) -> InputContainer:
    """Open a sound or video file for reading.

    Args:
        path: where the file is.
        error: the class to raise.
        noun: "sound" or "video", for sentences and codes.
        called: the file's name in sentences, where its own says nothing to the user.

    Raises:
        error: ``<noun>_missing`` or ``<noun>_unreadable``.
    """
    with open_regular(path, error=error, noun=noun) as file:
        kind = sniff_media(file)
    if kind is None:
        raise error(
            f"{called or Path(path).name} is not a {noun} file of a kind that can be read. {_ADVICE[noun]}",
            code=f"{noun}_unreadable",
        )
    try:
        return av.open(
            os.path.abspath(path),
            "r",
            format=kind,
            options={"protocol_whitelist": "file"},
            metadata_errors="replace",
            timeout=(_STALL_S, _STALL_S),
        )
    except av.FFmpegError as problem:
        raise unreadable(called or path, error=error, noun=noun) from problem


_ADVICE = {
    "sound": "Use a WAV, MP3, M4A, OGG, Opus or FLAC file, or a video with sound.",
    "video": "Use an MP4, MOV, WebM, MKV, AVI or MPEG file.",
}


def unreadable(path: StrPath, *, error: type[InputError], noun: str) -> InputError:
    """The error for a file whose beginning is right and whose content is not."""
    name = Path(path).name
    return error(f"{name} is damaged or incomplete. Save or download it again.", code=f"{noun}_unreadable")


def sniff_media(file: BinaryIO) -> str | None:
    """FFmpeg's name of the container that the content tells, or None."""
    head = file.read(_HEAD_BYTES)
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[4:8] in _MOV_ATOMS:
        return "mov"
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "mpegts"
    if head[:3] == b"ID3":
        file.seek(_id3_length(head))
        return _bare_audio(file.read(_HEAD_BYTES)) or "mp3"
    return _bare_audio(head)


def _id3_length(head: bytes) -> int:
    """Bytes of an ID3v2 tag with its header; the size is four times seven bits (ID3v2.4, section 3.1)."""
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False))


def _bare_audio(head: bytes) -> str | None:
    """Streams without a container: MPEG audio frames, ADTS, and FLAC behind an ID3 tag."""
    start = head.lstrip(b"\x00")
    if start.startswith(b"fLaC"):
        return "flac"
    if len(start) < 4 or start[0] != 0xFF or start[1] & 0xE0 != 0xE0:
        return None
    if start[1] & 0xF6 == 0xF0:
        return "aac"
    valid = start[1] & 0x06 and start[2] & 0xF0 != 0xF0 and start[2] & 0x0C != 0x0C
    return "mp3" if valid else None
