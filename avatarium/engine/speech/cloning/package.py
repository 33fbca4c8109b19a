"""The file of a cloned voice: a ZIP, stored, with a manifest and the arrays. Nothing in it is trusted when it is read.

manifest.json   what it is and how it was made
arrays.npz      ``table`` float32 [510, 256], Kokoro's styles by the number of signs;
                ``equaliser`` float32 [64], decibels to add to bands that lie evenly from 0 to 12 kHz
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.speech.speakers import Gender
from avatarium.errors import InputError

VERSION = 1
SUFFIX = ".voice"
MEDIA_TYPE = "application/vnd.avatarium.voice+zip"
EQUALISER_BANDS = 64
OFFSETS_SIZE = 37_396
_SHAPES = {"table": (510, 256), "offsets": (OFFSETS_SIZE,), "equaliser": (EQUALISER_BANDS,)}
_LARGEST_BYTES = 2_000_000
_MANIFEST, _ARRAYS = "manifest.json", "arrays.npz"
_LARGEST_VALUE = 60.0
"""Styles lie within a few units, gains within some decibels; what is far outside is no voice."""
_HIGHEST_PITCH_HZ = 500.0
_EPOCH = (1980, 1, 1, 0, 0, 0)

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceFacts:
    """The manifest of a cloned voice."""

    method: str
    gender: Gender
    language: str
    similarity: float
    nearest_stock: str
    nearest_stock_similarity: float
    seconds_used: float
    word_error: float | None = None
    lowest_hz: float = 0.0
    """Below it there is nothing of the voice."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VoiceFile:
    """What a file of a cloned voice holds."""

    facts: VoiceFacts
    table: Array
    offsets: Array
    equaliser: Array


def write_voice(voice: VoiceFile, out: Path) -> None:
    """Write the file; the same voice gives the same bytes. A half-written one never stands under its name."""
    arrays = io.BytesIO()
    with zipfile.ZipFile(arrays, "w", zipfile.ZIP_STORED) as inner:
        for name in _SHAPES:
            held = io.BytesIO()
            np.save(held, np.asarray(getattr(voice, name), "<f4"), allow_pickle=False)
            inner.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), held.getvalue())
    manifest = json.dumps({"version": VERSION, **asdict(voice.facts)}, indent=1, sort_keys=True)
    partial = out.with_name(f"{out.name}.part")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as file:
        file.writestr(zipfile.ZipInfo(_MANIFEST, _EPOCH), manifest)
        file.writestr(zipfile.ZipInfo(_ARRAYS, _EPOCH), arrays.getvalue())
    partial.replace(out)


def read_voice(path: Path) -> VoiceFile:
    """Read a file that may be anything.

    Raises:
        InputError: ``voice_unreadable``: it is missing, damaged, of a later version or not a voice.
    """
    try:
        members = _members(path.read_bytes() if path.stat().st_size <= _LARGEST_BYTES else b"")
        facts = _facts(json.loads(members[_MANIFEST]))
        inner = _members(members[_ARRAYS])
        return VoiceFile(facts=facts, **{name: _array(inner[f"{name}.npy"], shape) for name, shape in _SHAPES.items()})
    except (OSError, ValueError, KeyError, TypeError, EOFError, NotImplementedError, RecursionError) as problem:
        raise _unreadable(path) from problem
    except (zipfile.BadZipFile, RuntimeError) as problem:  # RuntimeError: a member is encrypted
        raise _unreadable(path) from problem


def _members(held: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(held)) as file:
        found = file.infolist()
        if sum(entry.file_size for entry in found) > _LARGEST_BYTES or len(found) > len(_SHAPES) + 2:
            raise ValueError("too large")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in found):
            raise ValueError("compressed")
        return {entry.filename: file.read(entry) for entry in found}


def _facts(manifest: dict[str, Any]) -> VoiceFacts:
    if manifest["version"] != VERSION:
        raise ValueError("another version")
    error = manifest["word_error"]
    return VoiceFacts(
        method=_text(manifest["method"]),
        gender=Gender(manifest["gender"]),
        language=_text(manifest["language"]),
        similarity=_number(manifest["similarity"]),
        nearest_stock=_text(manifest["nearest_stock"]),
        nearest_stock_similarity=_number(manifest["nearest_stock_similarity"]),
        seconds_used=_number(manifest["seconds_used"]),
        word_error=None if error is None else _number(error),
        lowest_hz=_hertz(manifest.get("lowest_hz", 0.0)),
    )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a number")
    return float(value)


def _hertz(value: object) -> float:
    hertz = _number(value)
    if not 0.0 <= hertz <= _HIGHEST_PITCH_HZ:
        raise ValueError("no voice begins there")
    return hertz


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise ValueError("not a text")
    return value


def _array(held: bytes, shape: tuple[int, ...]) -> Array:
    head = io.BytesIO()
    np.save(head, np.zeros(shape, "<f4"), allow_pickle=False)
    size = 4 * math.prod(shape)
    start = len(head.getvalue()) - size
    if len(held) != start + size or held[:start] != head.getvalue()[:start]:
        raise ValueError("another array")
    values = np.frombuffer(held, "<f4", offset=start).reshape(shape)
    if not np.isfinite(values).all() or np.abs(values).max() > _LARGEST_VALUE:
        raise ValueError("no voice has such values")
    return values.astype(np.float32)


def _unreadable(path: Path) -> InputError:
    return InputError(
        f"{path.name} is not the file of a cloned voice, or it is damaged. Make the clone again.",
        code="voice_unreadable",
    )
