"""Loudness by ITU-R BS.1770-4 and bringing speech to it, with a limiter that respects the true peak."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.signal import firwin, sosfilt, upfirdn

if TYPE_CHECKING:
    from avatarium.engine.speech.records import Samples

TARGET_LUFS = -16.0
"""What speech on the web is mixed to (AES TD1008 for streaming, mono)."""
CEILING_DBTP = -1.5

_BLOCK_S = 0.4
_STEP_S = 0.1
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_OFFSET_DB = -0.691
_LOOKAHEAD_S = 0.005
_CHUNK = 1 << 18
_OVERSAMPLE = 4
_TAPS = 12 * _OVERSAMPLE
_MAX_GAIN_DB = 30.0


def loudness_lufs(samples: Samples, rate: int) -> float:
    """Integrated loudness of mono sound in LUFS; minus infinity where nothing passes the gate of -70."""
    power = _block_power(samples, rate)
    loud = power[_lufs(power) > _ABSOLUTE_GATE_LUFS]
    if not len(loud):
        return float("-inf")
    gate = float(_lufs(loud.mean())) + _RELATIVE_GATE_LU
    return float(_lufs(loud[_lufs(loud) > gate].mean()))


def true_peak_dbtp(samples: Samples) -> float:
    """Highest value of the sound between its samples too, in dB under full scale (four times oversampled)."""
    peak = max((float(_true_peaks(samples, at).max(initial=0)) for at in range(0, len(samples), _CHUNK)), default=0.0)
    return float(20 * np.log10(max(peak, 1e-10)))


def normalise_loudness(
    samples: Samples, rate: int, *, target_lufs: float = TARGET_LUFS, ceiling_dbtp: float = CEILING_DBTP
) -> Samples:
    """Bring mono speech to a loudness; peaks over the ceiling are turned down smoothly, not cut.

    Sound that is shorter than one block of 0.4 s or silent is returned as it is. The gain is at most 30 dB, so that a
    noisy room does not become a storm.
    """
    loudness = loudness_lufs(samples, rate)
    if not np.isfinite(loudness):
        return samples
    gain_db = min(target_lufs - loudness, _MAX_GAIN_DB)
    return _limit(samples, rate, np.float32(10 ** (gain_db / 20)), 10 ** (ceiling_dbtp / 20))


def _lufs(power: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    return np.asarray(_OFFSET_DB + 10 * np.log10(np.maximum(power, 1e-20)))


def _block_power(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Mean square of the K-weighted sound in blocks of 0.4 s that overlap by three quarters."""
    sections = _k_weighting(rate)
    state = np.zeros((len(sections), 2))
    step = round(_STEP_S * rate)
    chunk = step * max(1, _CHUNK // step)
    sums = [np.empty(0)]
    for at in range(0, len(samples), chunk):
        weighted, state = sosfilt(sections, samples[at : at + chunk].astype(np.float64), zi=state)
        whole = len(weighted) // step * step
        sums.append((weighted[:whole].reshape(-1, step) ** 2).sum(axis=1))
    steps = np.concatenate(sums)
    per_block = round(_BLOCK_S / _STEP_S)
    if len(steps) < per_block:
        return np.empty(0)
    return np.convolve(steps, np.ones(per_block), "valid") / (per_block * step)


def _k_weighting(rate: int) -> NDArray[np.float64]:
    """The two filters of BS.1770-4, annex 1, for any rate: a shelf for the head and a high pass (RLB).

    The standard gives coefficients at 48 kHz only; these are the analogue prototypes behind them (as in libebur128).
    """
    k = np.tan(np.pi * 1681.974450955533 / rate)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = [(high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - band * k / q + k * k) / a0]
    shelf += [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    k, q = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    return np.array([shelf, high_pass], np.float64)


_INTERPOLATOR: NDArray[np.float64] = firwin(_TAPS + 1, 1 / _OVERSAMPLE) * _OVERSAMPLE


def _true_peaks(samples: Samples, at: int) -> NDArray[np.float64]:
    """Of each sample of the chunk that starts at ``at``: the largest magnitude up to the next sample."""
    margin = _TAPS // _OVERSAMPLE
    start, end = max(0, at - margin), min(len(samples), at + _CHUNK)
    dense = np.abs(upfirdn(_INTERPOLATOR, samples[start : end + margin].astype(np.float64), up=_OVERSAMPLE))
    dense = dense[_TAPS // 2 + (at - start) * _OVERSAMPLE :][: (end - at) * _OVERSAMPLE]
    between = dense.reshape(-1, _OVERSAMPLE).max(axis=1)
    peaks: NDArray[np.float64] = np.maximum(between, np.abs(samples[at:end]))
    return peaks


def _limit(samples: Samples, rate: int, gain: np.float32, ceiling: float) -> Samples:
    """Apply a gain, less wherever a true peak within 5 ms would pass the ceiling.

    The gain needed is taken as the minimum over a window and then averaged over the same window: the average never
    exceeds what any of its samples allows, so no peak passes, and the gain changes smoothly.
    """
    allowed = np.full(len(samples), gain, np.float32)
    for at in range(0, len(samples), _CHUNK):
        peaks = np.maximum(_true_peaks(samples, at), 1e-9)
        allowed[at : at + _CHUNK] = np.minimum(gain, ceiling / peaks)
    if float(allowed.min(initial=float(gain))) >= float(gain):
        return samples * gain
    window = 2 * round(_LOOKAHEAD_S * rate) + 1
    held = minimum_filter1d(allowed, window, mode="nearest")
    limited: Samples = samples * uniform_filter1d(held, window, mode="nearest")
    return limited
