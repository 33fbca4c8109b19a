"""Reads ``VOICE<TAB>TEXT`` lines, writes one line of phonemes for each; runs as a program of its own.

eSpeak NG is under GPL-3; it is loaded by this process only, and this file, which imports nothing of the project, is all
that talks to it. Arguments: the shared library and the folder that holds ``espeak-ng-data``.
"""

import ctypes
import sys

AUDIO_OUTPUT_SYNCHRONOUS = 2
CHARS_UTF8 = 1
IPA = 0x02
TIE = 0x80 | ord("^") << 8
"""Joins the parts of a diphthong or affricate."""


def load(library: str, data: str) -> ctypes.CDLL:
    """The library, ready to use."""
    espeak = ctypes.CDLL(library)
    if espeak.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, data.encode(), 0) <= 0:
        raise SystemExit("espeak-ng cannot read its data")
    espeak.espeak_TextToPhonemes.restype = ctypes.c_char_p
    espeak.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
    return espeak


def phonemes(espeak: ctypes.CDLL, text: str) -> str:
    """All clauses of a text in IPA."""
    pointer = ctypes.c_char_p(text.encode())
    clauses = []
    while pointer.value:
        clauses.append((espeak.espeak_TextToPhonemes(ctypes.byref(pointer), CHARS_UTF8, IPA | TIE) or b"").decode())
    return " ".join(clauses)


def main() -> None:
    """Answer until the input ends."""
    espeak = load(sys.argv[1], sys.argv[2])
    present = ""
    for line in sys.stdin:
        voice, _, text = line.rstrip("\n").partition("\t")
        if voice != present and espeak.espeak_SetVoiceByName(voice.encode()) != 0:
            raise SystemExit(f"espeak-ng has no voice {voice}")
        present = voice
        sys.stdout.write(phonemes(espeak, text).replace("\n", " ") + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    main()
