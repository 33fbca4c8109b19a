"""The beat of a live room: a tick is one frame of picture and the sound that belongs to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]
"""Mono, -1..1."""

FPS = 25
TICK_S = 1 / FPS
RATE = 48_000
"""Samples of sound a second, that of Opus."""
TICK_SAMPLES = RATE // FPS
PACKET_SAMPLES = 960
"""20 ms, one Opus packet; two make a tick."""
TICK_PTS = 90_000 // FPS
"""Of a picture's time stamp in RTP, 90,000 a second (RFC 6184, section 5.1)."""

SILENCE: Sound = np.zeros(TICK_SAMPLES, np.float32)
"""The sound of a tick in which nothing is heard; always this very array, which nobody can write to."""
SILENCE.flags.writeable = False
