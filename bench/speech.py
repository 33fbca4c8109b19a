"""How well and how fast the voices speak: ``python -m bench.speech``.

For each voice: CPU seconds for a second of sound on one thread, CPU until the first chunk, words that an independent
listener (Whisper base, greedy) gets wrong, and how far the times of phonemes are off by instruments that know nothing
of the network (forced alignment of English by pocketsphinx; the dip of loudness in p and b). ``--quick`` leaves out all
but one voice of each language.
"""

from __future__ import annotations

import argparse
import functools
import re
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from faster_whisper import WhisperModel
from jiwer import wer
from rich.console import Console
from rich.table import Table

from avatarium.engine.assets import default_store
from avatarium.engine.speech import Samples, Speech, Voice, prepare, stream, synthesize, voices, warm_up
from avatarium.engine.speech.timing import ENVELOPE_HOP, envelope_db
from avatarium.errors import TextError

LISTENER_RATE = 16_000
DIP_REACH_S = 0.08

SENTENCES: dict[str, tuple[str, ...]] = {
    "en": (
        "The quick brown fox jumps over the lazy dog.",
        "We are happy to tell you that the new office will open next Monday morning.",
        "Please remember to bring your passport and two photographs.",
        "The weather tomorrow will be warm and sunny, with a light wind in the afternoon.",
        "My mother bought a bottle of milk and some butter for breakfast.",
        "People who live near the sea often dream about the mountains.",
        "The meeting has been moved to Thursday because the manager is ill.",
        "She told Tom to take the cat to the park at ten.",
        "Our company has offices in more than thirty countries around the world.",
        "If you have any questions, please send us a message and we will answer soon.",
        "The museum is open every day except Tuesday, and children do not have to pay.",
        "He put the big blue bag back behind the broken table and left the room.",
    ),
    "es": (
        "La reunión se ha cambiado al jueves porque el director está enfermo.",
        "Mi madre compró pan, leche y mantequilla para el desayuno.",
        "Mañana hará sol por la mañana y lloverá un poco por la tarde.",
    ),
    "fr": (
        "La réunion a été déplacée à jeudi parce que le directeur est malade.",
        "Ma mère a acheté du pain, du lait et du beurre pour le petit déjeuner.",
        "Demain, il fera beau le matin et il pleuvra un peu dans l'après-midi.",
    ),
    "it": (
        "La riunione è stata spostata a giovedì perché il direttore è malato.",
        "Mia madre ha comprato pane, latte e burro per la colazione.",
        "Domani ci sarà il sole al mattino e pioverà un poco nel pomeriggio.",
    ),
    "pt": (
        "A reunião foi transferida para quinta-feira porque o diretor está doente.",
        "Minha mãe comprou pão, leite e manteiga para o café da manhã.",
        "No domingo vai fazer sol e na segunda-feira vai chover um pouco.",
    ),
    "hi": (
        "आज मौसम बहुत अच्छा है और हम बाज़ार जा रहे हैं।",
        "मेरी माँ ने नाश्ते के लिए दूध और रोटी खरीदी।",
        "कल सुबह धूप होगी और शाम को थोड़ी बारिश होगी।",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What was measured of one voice."""

    voice: Voice
    cpu_per_second: float
    first_chunk_ms: float
    first_chunk_s: float
    word_errors: float | None
    """None where the listener writes the language in another script, as Whisper does with Hindi."""
    aligned_ms: float | None
    """Median of how much later the stated onsets are than those of forced alignment."""
    dip_ms: float | None
    """Median of how much later the quietest moment of p and b is than the middle of its stated time."""
    closures: float | None
    """Share of p and b with the dip inside their stated time."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one voice of each language and sex")
    parser.add_argument("--voice", action="append", help="only this one; may be given again")
    options = parser.parse_args()
    console = Console()
    table = Table("voice", "cpu s/s", "first ms", "first s", "WER %", "onsets ms", "dips ms", "closures %")
    for voice in _chosen(options.voice, quick=options.quick):
        score = measure(voice)
        table.add_row(*_row(score))
        console.print(" ".join(_row(score)), soft_wrap=True)
    console.print(table)


def measure(voice: Voice) -> Score:
    """Let a voice say all sentences of its language."""
    language = voice.language.split("-")[0]
    warm_up(voice)
    start = time.process_time()
    first = next(stream("Hello there, my friend." if language == "en" else SENTENCES[language][0], voice, threads=1))
    first_cpu_s = time.process_time() - start
    start = time.process_time()
    said = [synthesize(text, voice, threads=1) for text in SENTENCES[language]]
    cpu_s = time.process_time() - start
    dips = np.concatenate([_dips(speech) for speech in said])
    understood = [heard(speech, language) for speech in said]
    aligned = _alignment_ms(said, SENTENCES[language]) if language == "en" else None
    return Score(
        voice=voice,
        cpu_per_second=cpu_s / sum(speech.duration_s for speech in said),
        first_chunk_ms=first_cpu_s * 1000.0,
        first_chunk_s=first.duration_s,
        word_errors=word_errors(understood, SENTENCES[language], language)
        if _script(" ".join(understood)) == _script(SENTENCES[language][0])
        else None,
        aligned_ms=aligned,
        dip_ms=float(np.median(dips[:, 0])) * 1000.0 if len(dips) else None,
        closures=float(np.mean(dips[:, 1])) if len(dips) else None,
    )


def heard(speech: Speech, language: str) -> str:
    """What the independent listener understands."""
    sound = _for_listener(speech)
    segments, _ = listener().transcribe(sound, language=language, beam_size=1, condition_on_previous_text=False)
    return " ".join(segment.text for segment in segments)


def word_errors(understood: Sequence[str], texts: Sequence[str], language: str) -> float:
    """Wrong, missing and invented words for each word that was said, numbers and case aside."""
    return float(wer([_plain(text, language) for text in texts], [_plain(text, language) for text in understood]))


def _script(text: str) -> str:
    scripts = [unicodedata.name(c).split(" ")[0] for c in text if c.isalpha()]
    return max(set(scripts), key=scripts.count, default="")


def _plain(text: str, language: str) -> str:
    try:
        spoken = " ".join(sentence.spoken for sentence in prepare(text, language))
    except TextError:
        spoken = text
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c == "'" else " " for c in spoken.lower())
    return re.sub(r"\s+", " ", kept).strip()


@functools.cache
def listener() -> WhisperModel:
    """Whisper base, which no voice here was made with."""
    return WhisperModel(str(default_store().path("whisper-base")), device="cpu", compute_type="int8", cpu_threads=1)


def _for_listener(speech: Speech) -> Samples:
    sound: Samples = soxr.resample(speech.audio, speech.rate, LISTENER_RATE)
    return sound


def _dips(speech: Speech) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """For each p and b: how much later than its middle the quietest moment around it is, and whether it is inside."""
    envelope = envelope_db(speech.audio)
    hop_s = ENVELOPE_HOP / speech.rate
    rows = []
    for p in speech.phonemes:
        if p.ipa[0] in "pb":
            first = max(0, round((p.start_s - DIP_REACH_S) / hop_s))
            around = envelope[first : round((p.end_s + DIP_REACH_S) / hop_s)]
            inside = envelope[round(p.start_s / hop_s) : max(round(p.end_s / hop_s), round(p.start_s / hop_s) + 1)]
            at_s = (first + int(np.argmin(around))) * hop_s
            rows.append((at_s - (p.start_s + p.end_s) / 2, float(inside.min() <= around.min() + 3.0)))
    return np.array(rows, np.float64).reshape(-1, 2)


def _alignment_ms(said: Sequence[Speech], texts: Sequence[str]) -> float | None:
    late = [late for speech, text in zip(said, texts, strict=True) for late in _late(speech, text)]
    return float(np.median(late)) * 1000.0 if late else None


def _late(speech: Speech, text: str) -> Iterator[float]:
    """Stated start of each word less the aligned one."""
    from pocketsphinx import Decoder

    pcm = (np.clip(_for_listener(speech), -1, 1) * 32767).astype(np.int16).tobytes()
    decoder = Decoder(loglevel="FATAL", samprate=LISTENER_RATE)
    decoder.set_align_text(re.sub(r"[^a-z' ]", "", text.lower()))
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()
    aligned = [(s.word.split("(")[0], s.start_frame / 100) for s in decoder.seg() if s.word[0] not in "<["]
    stated = [(re.sub(r"[^a-z']", "", word.text.lower()), word.start_s) for word in speech.words]
    if [word for word, _ in aligned] == [word for word, _ in stated]:
        yield from (at - instrument for (_, at), (_, instrument) in zip(stated, aligned, strict=True))


def _chosen(names: Sequence[str] | None, *, quick: bool) -> Iterator[Voice]:
    seen: set[tuple[str, str, str]] = set()
    for voice in sorted(voices(), key=lambda voice: not voice.live):
        kind = (voice.language, voice.gender, voice.engine)
        if names and voice.name not in names or quick and kind in seen:
            continue
        seen.add(kind)
        yield voice


def _row(score: Score) -> list[str]:
    def shown(value: float | None, pattern: str) -> str:
        return "-" if value is None else format(value, pattern)

    return [
        score.voice.name,
        f"{score.cpu_per_second:.3f}",
        f"{score.first_chunk_ms:.0f}",
        f"{score.first_chunk_s:.1f}",
        shown(None if score.word_errors is None else score.word_errors * 100, ".1f"),
        shown(score.aligned_ms, ".0f"),
        shown(score.dip_ms, ".0f"),
        shown(None if score.closures is None else score.closures * 100, ".0f"),
    ]


if __name__ == "__main__":
    main()
