"""How close clones come: ``python -m bench.cloning --female RECORDINGS --male RECORDINGS``.

Every recording is somebody's voice. The end of it is held back; of the rest a clone is made, which says sentences that
it was not made with. The table tells the cosine of CAM++ between these and what was held back, beside that of the
nearest of all ready voices and of the person's own other half, the words that Whisper base hears wrong, and the CPU
that it took; with ``--resemblyzer pretrained.pt`` also what a net says that the clone was not made with. ``--stock``
measures the ready voices anew instead.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from avatarium.engine.assets import default_store
from avatarium.engine.speech.cloning import Effort, open_voice, reading, stock
from avatarium.engine.speech.cloning.making import make
from avatarium.engine.speech.cloning.material import Material, gather
from avatarium.engine.speech.cloning.records import SAMPLE_RATE
from avatarium.engine.speech.cloning.speaking import say
from avatarium.engine.speech.identity import embed, likeness
from avatarium.engine.speech.models import kokoro
from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.speakers import Gender
from avatarium.engine.speech.synthesis import synthesize
from avatarium.engine.speech.transcription import RATE, transcriber
from bench.cloning.resemblyzer import SpeakerNet
from bench.cloning.words import word_errors

UNSEEN = (
    "Please bring your passport and two photographs to the office on Monday.",
    "The museum is open every day except Tuesday, and children do not have to pay.",
    "If you have any questions, send us a message and somebody will answer soon.",
)
"""Said neither while learning nor by the engine's own judgement."""
_HELD_SHARE = 0.35
_STOCK_PHRASE = "wˌi wˈɑʧt ðə ɹˈɪvəɹ ɹˈIz bəfˌɔɹ ðə jˈʌŋ fˈɑɹməɹ kəd mˈuv hˌɪz ʃˈip."


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What was measured of one clone."""

    name: str
    seconds: float
    own: float
    """The person's two parts with each other: as high as it can go."""
    nearest: float
    """Of all ready voices, the one that is most like what was held back."""
    clone: float
    nearest_other: float | None
    """By the net that clones are not made with."""
    clone_other: float | None
    wrong: float
    cpu_s: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    options = _options(arguments)
    if options.stock is not None:
        _measure_stock(options.stock)
        return
    other = SpeakerNet(options.resemblyzer) if options.resemblyzer else None
    scores: list[Score] = []
    people = [(path, gender) for gender in Gender for path in getattr(options, gender)]
    for path, gender in people:
        scores.append(_score(path, gender, Effort(options.effort), other, options.keep))
        Console(stderr=True).print(scores[-1])
    _print(scores)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for gender in Gender:
        parser.add_argument(f"--{gender}", nargs="*", type=Path, default=[], help="recordings of such people")
    parser.add_argument("--effort", default=Effort.BEST, choices=list(Effort))
    parser.add_argument("--resemblyzer", type=Path, help="pretrained.pt of the package resemblyzer")
    parser.add_argument("--keep", type=Path, help="a folder that exists, for the clones")
    parser.add_argument("--stock", type=Path, help="write the speaker vectors of the ready voices to this file")
    return parser.parse_args(arguments)


def _score(path: Path, gender: Gender, effort: Effort, other: SpeakerNet | None, keep: Path | None) -> Score:
    whole = gather([path], language="")
    held, material = _parted(whole)
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        out = (keep or Path(folder)) / f"{path.stem}.voice"
        make(material, out, gender=gender, language="en-US", effort=effort, seed=0, progress=_silent)
        cpu_s = time.process_time() - started
        said = [synthesize(text, open_voice(out)).audio for text in UNSEEN]
    ready_voices = stock.stock()
    nearest = ready_voices.names[int(np.argmax(ready_voices.vectors @ embed(held, SAMPLE_RATE)))]
    table = ready_voices.table(nearest)
    ready = [say(reading.signs_of(text, "en-US"), table) for text in UNSEEN]
    return Score(
        name=path.name,
        seconds=material.seconds,
        own=likeness(embed(material.speech(), SAMPLE_RATE), embed(held, SAMPLE_RATE)),
        nearest=_alike(ready, held),
        clone=_alike(said, held),
        nearest_other=None if other is None else _alike(ready, held, other),
        clone_other=None if other is None else _alike(said, held, other),
        wrong=_wrong(said),
        cpu_s=cpu_s,
    )


def _silent(share: float) -> None:
    pass


def _parted(whole: Material) -> tuple[Samples, Material]:
    """Speech to judge by, and the material without it."""
    at = round((1.0 - _HELD_SHARE) * len(whole.speech()))
    held = whole.speech()[at:]
    return held, whole.until(at)


def _alike(sounds: Sequence[Samples], held: Samples, other: SpeakerNet | None = None) -> float:
    if other is None:
        return float(np.mean([likeness(embed(sound, SAMPLE_RATE), embed(held, SAMPLE_RATE)) for sound in sounds]))
    whose = other.embed(held, SAMPLE_RATE)
    return float(np.mean([other.embed(sound, SAMPLE_RATE) @ whose for sound in sounds]))


def _wrong(sounds: Sequence[Samples]) -> float:
    heard = [transcriber(2).transcribe(_slower(sound), "en") for sound in sounds]
    return word_errors(UNSEEN, [found.text if found else "" for found in heard])


def _slower(sound: Samples) -> Samples:
    import soxr

    return np.asarray(soxr.resample(sound, SAMPLE_RATE, RATE), np.float32)


def _print(scores: Sequence[Score]) -> None:
    table = Table("recording", "speech", "own other half", "nearest voice", "clone", "wrong words", "CPU")
    other = [score.clone_other for score in scores if score.clone_other is not None]
    if other:
        table.add_column("other net: nearest / clone")
    for score in scores:
        cells = [score.name, f"{score.seconds:.0f} s", f"{score.own:.2f}", f"{score.nearest:.2f}", f"{score.clone:.2f}"]
        cells += [f"{score.wrong:.0%}", f"{score.cpu_s:.0f} s"]
        if score.clone_other is not None:
            cells.append(f"{score.nearest_other:.2f} / {score.clone_other:.2f}")
        table.add_row(*cells)
    Console(width=120).print(table)
    clone, nearest = (float(np.mean([getattr(score, name) for score in scores])) for name in ("clone", "nearest"))
    wrong = float(np.mean([score.wrong for score in scores]))
    Console().print(f"on average: clone {clone:.2f}, nearest ready voice {nearest:.2f}, wrong words {wrong:.1%}")


def _measure_stock(out: Path) -> None:
    names = sorted(path.stem for path in default_store().path("kokoro-voices").glob("*.bin"))
    said = [kokoro.speak(_STOCK_PHRASE, voice=name, rate=1.0, threads=2).audio for name in names]
    vectors = np.stack([embed(sound, SAMPLE_RATE) for sound in said])
    np.savez(out, names=np.array(names), vectors=vectors.astype(np.float16))
    known = stock.stock()
    Console().print(f"differs from what is shipped by {np.abs(known.vectors - vectors).max():.3f} at most")


if __name__ == "__main__":
    main()
