"""The process of slow voices with a toy for an engine: run by tests as a program.

A text is spoken word by word: ``wait`` is made until it is stopped, ``bug`` breaks, ``die`` ends the process, a word of
digits takes so many samples, ``20ms`` so long and so many. ``nothing`` is refused when it is judged.
"""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from avatarium.engine.speech.records import Speech
from avatarium.errors import TextError
from avatarium.streaming.stage import slow_child


def opened(self: Any, reading: Any, order: slow_child.Order) -> tuple[str, Any]:
    if order.text == "nothing":
        raise TextError("There is nothing in it.", code="nothing_to_say")
    reading.script = iter(order.text.split())
    return "opened", None


def made(self: Any, reading: Any) -> tuple[str, Any]:
    word = next(reading.script, None)
    if word is None:
        return "piece", None
    if word == "die":
        os._exit(3)
    if word == "bug":
        raise RuntimeError("toy")
    while word == "wait":
        if reading.dropped:
            raise RuntimeError("stopped")
        time.sleep(0.01)
    if word.endswith("ms"):
        time.sleep(int(word[:-2]) / 1000)
    samples = np.zeros(int(word.removesuffix("ms")), np.float32)
    return "piece", Speech(audio=samples, rate=24_000, phonemes=(), words=(), language="en-US")


if __name__ == "__main__":
    slow_child._Child._opened = opened  # type: ignore[method-assign]
    slow_child._Child._made = made  # type: ignore[method-assign]
    slow_child.main()
