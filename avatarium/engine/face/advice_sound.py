"""What the sound of a clip is like for learning how a person speaks: level, noise, clipping, how much is speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.speech.activity import FRAME_S, RATE, SURE, probabilities
from avatarium.engine.video.sound import read_sound_part

_FRAME = round(RATE * FRAME_S)
_RAIL = 0.985
_FLOOR_DB = -90.0
_OVER_NOISE_DB = 6.0
_SURE_FRAMES = 30
"""A second of sure speech; with less nobody speaks."""


def sound_facts(path: Path | None) -> dict[str, float | bool]:
    """Levels in dBFS (root mean square), shares 0..1; without a sound track only ``sound`` is told, as False."""
    samples = None if path is None else read_sound_part(path, RATE, max_s=600.0)
    if samples is None:
        return {"sound": False}
    count = len(samples) // _FRAME
    frames = samples[: count * _FRAME].reshape(count, _FRAME)
    level = 10 * np.log10(np.maximum((frames.astype(np.float64) ** 2).mean(1), 10 ** (_FLOOR_DB / 10)))
    speech = probabilities([samples])[:count] >= SURE
    spoken = bool(speech.sum() >= _SURE_FRAMES)
    level_speech = float(np.percentile(level[speech], 70)) if spoken else float(np.percentile(level, 90))
    noise = _noise_floor(level, speech)
    return {
        "sound": True,
        "speech_share": float(speech.mean()) if count else 0.0,
        "speech_s": float(speech.sum() * FRAME_S),
        "level_db": level_speech,
        "noise_db": noise,
        "snr_db": level_speech - noise,
        "clipped": _clipped_share(path),
    }


def _noise_floor(level: NDArray[np.float64], speech: NDArray[np.bool_]) -> float:
    """The quiet moments: pauses if there are some, else the quietest tenth. Digital silence does not count."""
    heard = level > _FLOOR_DB + 1
    pauses = level[heard & ~speech]
    quiet = pauses if len(pauses) >= _SURE_FRAMES else level[heard]
    return float(np.percentile(quiet, 10)) if len(quiet) else _FLOOR_DB


def _clipped_share(path: Path | None) -> float:
    """Share of the samples that lie flat at full scale, three in a row at least, at the clip's own rate."""
    assert path is not None
    samples = read_sound_part(path, 48000, max_s=600.0)
    if samples is None:
        return 0.0
    high = np.abs(samples) >= _RAIL * max(float(np.abs(samples).max()), 0.5)
    flat = high[:-2] & high[1:-1] & high[2:]
    return float(flat.mean())
