"""Reads ``VOICE<TAB>RATE<TAB>TEXT`` lines, writes one line of JSON for each; runs as a program of its own.

eSpeak NG is under GPL-3; it is loaded by this process only, and this file, which imports nothing of the project, is all
that talks to it. Arguments: the shared library and the folder that holds ``espeak-ng-data``. ``RATE`` is in words a
minute.
An answer is ``{"hz": samples a second, "pcm": base64 of 16-bit samples, "phonemes": [[sample, ipa], ...],
"words": [[sample, first character, length], ...], "end": sample}``.
"""

import base64
import ctypes
import json
import os
import sys
from typing import Any

AUDIO_OUTPUT_SYNCHRONOUS = 2
PHONEME_EVENTS, PHONEME_IPA = 0x01, 0x02
CHARS_UTF8 = 1
POS_CHARACTER = 1
RATE = 1
EVENT_END_OF_LIST, EVENT_WORD, EVENT_PHONEME = 0, 1, 7


class Identity(ctypes.Union):
    """What an event is about."""

    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_void_p), ("string", ctypes.c_char * 8)]


class Event(ctypes.Structure):
    """``espeak_EVENT`` of speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", Identity),
    ]


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(Event))


class Speaker:
    """The library, ready to speak; a call of :meth:`say` at a time."""

    def __init__(self, library: str, data: str) -> None:
        self._espeak = ctypes.CDLL(library)
        self._hz = self._espeak.espeak_Initialize(
            AUDIO_OUTPUT_SYNCHRONOUS, 0, data.encode(), PHONEME_EVENTS | PHONEME_IPA
        )
        if self._hz <= 0:
            raise SystemExit("espeak-ng cannot read its data")
        self._heard = CALLBACK(self._hear)  # kept: the library holds no reference
        self._espeak.espeak_SetSynthCallback(self._heard)
        self._pcm = bytearray()
        self._phonemes: list[tuple[int, str]] = []
        self._words: list[tuple[int, int, int]] = []

    def say(self, voice: str, rate: int, text: str) -> dict[str, Any]:
        """Sound of a text, with what is heard when, in samples."""
        if self._espeak.espeak_SetVoiceByName(voice.encode()) != 0:
            raise SystemExit(f"espeak-ng has no voice {voice}")
        self._espeak.espeak_SetParameter(RATE, rate, 0)
        self._pcm.clear()
        self._phonemes.clear()
        self._words.clear()
        spoken = text.encode() + b"\0"
        self._espeak.espeak_Synth(spoken, ctypes.c_size_t(len(spoken)), 0, POS_CHARACTER, 0, CHARS_UTF8, None, None)
        self._espeak.espeak_Synchronize()
        return {
            "hz": self._hz,
            "pcm": base64.b64encode(self._pcm).decode(),
            "phonemes": self._phonemes,
            "words": self._words,
            "end": len(self._pcm) // 2,
        }

    def _hear(self, wave: int | None, samples: int, events: Any) -> int:
        if wave and samples > 0:
            self._pcm += ctypes.string_at(wave, samples * 2)
        at = 0
        while events[at].type != EVENT_END_OF_LIST:
            event = events[at]
            if event.type == EVENT_PHONEME:
                self._phonemes.append((event.sample, bytes(event.id.string).decode("utf-8", "ignore")))
            elif event.type == EVENT_WORD:
                self._words.append((event.sample, event.text_position - 1, event.length))
            at += 1
        return 0


def main() -> None:
    """Answer until the input ends."""
    speaker = Speaker(sys.argv[1], sys.argv[2])
    while line := sys.stdin.readline():
        # The library keeps where its tremor and its noise are: a child that begins where all begin says the same of
        # the same text.
        child = os.fork()
        if not child:
            voice, rate, text = line.rstrip("\n").split("\t", 2)
            sys.stdout.write(json.dumps(speaker.say(voice, int(rate), text)) + "\n")
            sys.stdout.flush()
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            raise SystemExit("espeak-ng died of a text")


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    main()
