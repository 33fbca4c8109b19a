"""The marks file that comes with a video: what is said and when, and when the eyes blink."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from avatarium.engine.speech.records import Phoneme
from avatarium.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Contents of a marks file."""

    phonemes: tuple[Phoneme, ...]
    blinks: tuple[float, ...] | None
    """None where the file does not say."""


def read_marks(path: Path) -> Marks:
    """Read ``{"phonemes": [{"ipa", "start_s", "end_s"}, ...], "blinks": [seconds, ...]}``; other keys are ignored.

    Raises:
        InputError: the file is not such a file.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        phonemes = tuple(
            Phoneme(ipa=str(row["ipa"]), start_s=float(row["start_s"]), end_s=float(row["end_s"]))
            for row in data["phonemes"]
        )
        blinks = data.get("blinks")
        return Marks(phonemes=phonemes, blinks=None if blinks is None else tuple(float(t) for t in blinks))
    except OSError as error:
        raise InputError(f"The marks file {path} cannot be read: {error.strerror}.", code="file_missing") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f'{path} is no marks file: it must hold {{"phonemes": [{{"ipa", "start_s", "end_s"}}, ...]}}.'
        raise InputError(message, code="marks_invalid") from error
