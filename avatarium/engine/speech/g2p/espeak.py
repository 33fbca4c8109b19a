"""Spanish, French, Italian, Portuguese and Hindi words into phonemes, by eSpeak NG in a process of its own.

The mapping from espeak's IPA to the alphabet that Kokoro was trained in is that of misaki 0.9.4 (``EspeakG2P``,
Apache-2.0, hexgrad).
"""

from __future__ import annotations

import atexit
import functools
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from typing import IO

from avatarium.engine.assets import default_store
from avatarium.engine.speech.g2p import espeak_process
from avatarium.engine.speech.g2p.transcript import Transcript, transcript
from avatarium.engine.speech.text.prepare import Token
from avatarium.engine.speech.tongues import TONGUES
from avatarium.errors import AssetError, TextError

ANSWER_TIMEOUT_S = 20.0
"""espeak answers in a millisecond; what takes this long is stuck and is restarted."""
CLOSE_TIMEOUT_S = 2.0

VOICES = {"es": "es", "fr": "fr", "it": "it", "pt": "pt-br", "hi": "hi"}
"""espeak's name of the language that Kokoro's voices were trained with."""

_TO_KOKORO = {
    **{"a^ɪ": "I", "a^ʊ": "W", "d^z": "ʣ", "d^ʒ": "ʤ", "e^ɪ": "A", "o^ʊ": "O", "ə^ʊ": "Q"},
    **{"s^s": "S", "t^s": "ʦ", "t^ʃ": "ʧ", "ɔ^ɪ": "Y", "^": "", "-": ""},
}
_SWITCH = re.compile(r"\([a-z^-]{2,20}\)")
"""espeak marks words that it reads in another language."""
_LINKED_TO_ET = ("vingt",)
"""In *vingt et un* the t is heard."""
_PUNCTUATION = re.compile(r"([,.!?;:—…\"“”()।॥]+)")
_AS_KNOWN = str.maketrans({"।": ".", "॥": "."})


class Espeak:
    """The process: started when first asked, restarted when it dies or hangs; safe to use from several threads."""

    def __init__(self, library: Path, data: Path, program: str = espeak_process.__file__) -> None:
        self._command = [sys.executable, "-I", "-S", program, str(library), str(data)]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def phonemes(self, voice: str, text: str) -> str:
        """IPA of one line of text, with ``^`` inside diphthongs and a blank between words.

        Raises:
            TextError: code ``phonemes_failed``: espeak died of this text twice.
            AssetError: code ``espeak_broken``: espeak cannot be started.
        """
        return self.answer(voice, " ".join(text.split()))

    def answer(self, order: str, line: str) -> str:
        """What the program says to an order and a line of text; errors as in :meth:`phonemes`."""
        with self._lock:
            for _ in range(2):
                answer = self._ask(f"{order}\t{line}\n")
                if answer is not None:
                    return answer
                self._stop()
        raise TextError(
            f'The words "{line[:60]}" cannot be turned into sounds; write them differently.', code="phonemes_failed"
        )

    def close(self) -> None:
        """End the process; it is started again when needed."""
        with self._lock:
            self._stop()

    def _ask(self, line: str) -> str | None:
        process = self._running()
        assert process.stdin is not None
        try:
            process.stdin.write(line)
            process.stdin.flush()
            return self._answers.get(timeout=ANSWER_TIMEOUT_S)
        except (OSError, queue.Empty):
            return None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._stop()
            try:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    encoding="utf-8",
                )
            except OSError as error:
                raise AssetError(
                    "eSpeak NG cannot be started; fetch it again with `avatarium assets fetch espeak-ng`.",
                    code="espeak_broken",
                ) from error
            self._answers = queue.SimpleQueue()
            assert self._process.stdout is not None
            threading.Thread(
                target=_pump, args=(self._process.stdout, self._answers), name="espeak", daemon=True
            ).start()
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        try:
            process.stdin.close()
        except OSError:
            process.kill()
        try:
            process.wait(CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(CLOSE_TIMEOUT_S)


def _pump(lines: IO[str], answers: queue.SimpleQueue[str | None]) -> None:
    with lines:
        for line in lines:
            answers.put(line.rstrip("\n"))
    answers.put(None)


@functools.cache
def espeak() -> Espeak:
    """The process that all voices of this process share, ended at exit."""
    return started(espeak_process.__file__)


def started(program: str) -> Espeak:
    """A process of its own that runs a program with eSpeak NG, ended at exit."""
    folder = default_store().path("espeak-ng")
    library = next(p for p in sorted(folder.iterdir()) if p.suffix in (".so", ".dylib", ".dll"))
    shared = Espeak(library, folder, program)
    atexit.register(shared.close)
    return shared


def transcribe_by_espeak(tokens: Sequence[Token], *, language: str) -> Transcript:
    """Phonemes of a sentence; words are read in their context, so that French links them."""
    pairs: list[tuple[str, int | None]] = []
    words = [(word, owner) for owner, token in enumerate(tokens) for word in token.spoken.split()]
    clause: list[tuple[str, int]] = []
    for word, owner in words:
        for part in filter(None, _PUNCTUATION.split(word)):
            if not _PUNCTUATION.fullmatch(part):
                clause.append((part, owner))
                continue
            pairs += _clause(clause, language)
            clause = []
            _punctuate(pairs, part.translate(_AS_KNOWN))
    pairs += _clause(clause, language)
    return transcript(pairs)


def _punctuate(pairs: list[tuple[str, int | None]], marks: str) -> None:
    """Closing marks stand at the word before them, opening ones at the word after."""
    if pairs and marks[0] not in "(“":
        last, owner = pairs[-1]
        pairs[-1] = (last.rstrip(), owner)
        pairs.append((marks + " ", None))
    else:
        pairs.append((marks, None))


def _clause(words: list[tuple[str, int]], language: str) -> list[tuple[str, int | None]]:
    if not words:
        return []
    said = _said([word for word, _ in words], language)
    owners = _owners(said, words, language)
    return [(f"{word} ", owner) for word, owner in zip(said, owners, strict=True)]


def _said(words: Sequence[str], language: str) -> list[str]:
    return [word for group in _groups(words, language) for word in _spoken(group, language)]


def _groups(words: Sequence[str], language: str) -> list[Sequence[str]]:
    """What is read in one breath. espeak links words to a French "et" that nobody links: *le lait et* with a t."""
    if language != "fr":
        return [words]
    pairs = enumerate(pairwise(word.lower() for word in words), 1)
    cuts = [at for at, (before, word) in pairs if word == "et" and before not in _LINKED_TO_ET]
    return [words[start:end] for start, end in pairwise([0, *cuts, len(words)])]


def _spoken(words: Sequence[str], language: str) -> list[str]:
    phonemes = _SWITCH.sub("", espeak().phonemes(_voice(language), " ".join(words)))
    for ipa, sign in _TO_KOKORO.items():
        phonemes = phonemes.replace(ipa, sign)
    return phonemes.replace("\u0329", "").replace("\u032a", "").split()


def _voice(language: str) -> str:
    return VOICES.get(language) or TONGUES[language].espeak


def _owners(said: list[str], words: list[tuple[str, int]], language: str) -> list[int]:
    """The token of each spoken word; espeak may join two written words or speak one as several."""
    if len(said) == len(words):
        return [owner for _, owner in words]
    alone = [(sign, owner) for word, owner in words for sign in "".join(_said([word], language))]
    together = "".join(said)
    matcher = SequenceMatcher(None, [sign for sign, _ in alone], list(together), autojunk=False)
    of_sign = {b + i: alone[a + i][1] for a, b, size in matcher.get_matching_blocks() for i in range(size)}
    owners: list[int] = []
    at = 0
    for word in said:
        matched = [of_sign[i] for i in range(at, at + len(word)) if i in of_sign]
        owners.append(max(matched[0] if matched else 0, owners[-1] if owners else words[0][1]))
        at += len(word)
    return owners
