"""How a dubbing comes out: ``python -m bench.dubbing CLIP ... --to es``.

For each clip: how far the starts of the segments are from those of the original (by voice activity in the new sound),
at which speeds they are spoken, how the background outside speech changed, which words of the dubbing Whisper base
hears wrong, and the CPU that each step takes for a second of video.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
import time
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from rich.console import Console
from rich.table import Table

from avatarium.engine.dubbing import Dubbed, DubDocument, Stems, choose_voices, hear, render
from avatarium.engine.dubbing.speaking import Mouthpiece
from avatarium.engine.speech.activity import RATE, probabilities, stretches
from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.separation import RATE as STEM_RATE
from avatarium.engine.speech.transcripts import transcribe
from avatarium.engine.video.sound import read_sound

START_BAR_S, BACKGROUND_BAR_DB = 0.2, 1.0
_QUIET_S, _AROUND_S = 0.4, 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One clip."""

    name: str
    seconds: float
    segments: int
    worst_start_s: float
    usual_start_s: float
    rates: tuple[float, float]
    background_db: float
    """Largest change in half a second without speech; not a number where there is none."""
    word_error: float
    shortened: int
    late: int
    hear_cpu: float
    speech_cpu: float
    rest_cpu: float
    """Mixing, lips and encoding. All three in seconds for a second of video."""
    wall: float
    lips: bool


def main() -> None:
    """Measure the clips of the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--to", default="es")
    parser.add_argument("--source", default="")
    parser.add_argument("--keep", type=Path, help="a folder for the dubbings and their transcripts, to be looked at")
    options = parser.parse_args()
    results = [measure(clip, options.to, options.source, options.keep) for clip in options.clips]
    _print(results, options.to)


def measure(clip: Path, target: str, source: str, keep: Path | None = None) -> Result:
    """Dub a clip and look at what came out."""
    with tempfile.TemporaryDirectory(prefix="bench-dubbing-") as scratch:
        folder, began = Path(scratch), time.monotonic()
        start = time.process_time()
        document = hear(clip, folder, source_language=source, target_language=target)
        heard = time.process_time()
        stems = Stems.in_folder(folder)
        voices = choose_voices(document, stems, folder=folder).voices
        out = folder / "out.mp4"
        dubbed = render(document, clip, stems, out, voices=voices, folder=folder)
        rendered, wall = time.process_time(), time.monotonic() - began
        spoken = _speech_cpu(dubbed, document, voices)
        length_s = dubbed.seconds
        if keep is not None:
            _keep(keep / f"{clip.stem}-{target}", document, dubbed)
        starts = _start_errors(document, dubbed, folder)
        return Result(
            name=clip.stem,
            seconds=length_s,
            segments=len(dubbed.segments),
            worst_start_s=max(starts),
            usual_start_s=float(np.median(starts)),
            rates=(min(s.rate for s in dubbed.segments), max(s.rate for s in dubbed.segments)),
            background_db=_background_db(document, dubbed, clip, folder),
            word_error=_word_error(dubbed, folder, target),
            shortened=sum(s.shortened for s in dubbed.segments),
            late=sum(s.late_s > 0.1 for s in dubbed.segments),
            hear_cpu=(heard - start) / length_s,
            speech_cpu=spoken / length_s,
            rest_cpu=(rendered - heard - spoken) / length_s,
            wall=wall / length_s,
            lips=dubbed.lips,
        )


def _keep(path: Path, document: DubDocument, dubbed: Dubbed) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(dubbed.path, path.with_suffix(".mp4"))
    path.with_suffix(".srt").write_text(dubbed.srt_target, encoding="utf-8")
    told = [*dubbed.notes, *(str(fitted) for fitted in dubbed.segments), document.to_json()]
    path.with_suffix(".txt").write_text("\n".join(told), encoding="utf-8")


def _speech_cpu(dubbed: Dubbed, document: DubDocument, voices: object) -> float:
    """What the texts take once more, networks loaded."""
    assert isinstance(voices, dict)
    texts = {s.id: s for s in document.segments}
    speaker = Mouthpiece(None)
    start = time.process_time()
    for fitted in dubbed.segments:
        segment = texts[fitted.id]
        speaker.say(segment.translation, voices[segment.speaker], fitted.rate)
    return time.process_time() - start


def _mixed(folder: Path) -> Samples:
    with wave.open(str(folder / "mixed.wav")) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return np.asarray(raw.reshape(-1, 2).mean(axis=1) / 32768, np.float32)


def _start_errors(document: DubDocument, dubbed: Dubbed, folder: Path) -> list[float]:
    """Seconds from each segment's start to the nearest at which the new sound begins to speak; where it goes on
    speaking from before, what the renderer tells."""
    sound = soxr.resample(_mixed(folder), STEM_RATE, RATE)
    found = stretches(probabilities([sound / max(float(np.abs(sound).max()), 1e-6) * 0.5]))
    told = {s.id: s for s in dubbed.segments}
    errors = []
    for segment in document.segments:
        if segment.id not in told:
            continue
        goes_on = any(s.start_s < segment.start_s - 0.3 and s.end_s > segment.start_s for s in found)
        nearest = min((abs(s.start_s - segment.start_s) for s in found), default=9.0)
        errors.append(abs(told[segment.id].start_s - segment.start_s) if goes_on else nearest)
    return errors


def _background_db(document: DubDocument, dubbed: Dubbed, clip: Path, folder: Path) -> float:
    busy = [(s.start_s - _QUIET_S, s.end_s + _QUIET_S) for s in document.segments]
    busy += [(s.start_s - _QUIET_S, s.end_s + _QUIET_S) for s in dubbed.segments]
    was = read_sound(clip, STEM_RATE).samples
    now = _mixed(folder)
    original = soxr.resample(was, STEM_RATE, RATE)
    spoken = stretches(probabilities([original / max(float(np.abs(original).max()), 1e-6) * 0.5]))
    busy += [(s.start_s - _AROUND_S, s.end_s + _AROUND_S) for s in spoken]
    changes = []
    for start in np.arange(0, min(len(was), len(now)) / STEM_RATE - 0.5, 0.25):
        if any(low < start + 0.5 and high > start for low, high in busy):
            continue
        a, b = round(start * STEM_RATE), round((start + 0.5) * STEM_RATE)
        changes.append(abs(20 * np.log10(max(float(now[a:b].std()), 1e-5) / max(float(was[a:b].std()), 1e-5))))
    return max(changes, default=float("nan"))


def _word_error(dubbed: Dubbed, folder: Path, target: str) -> float:
    """Of the words that were to be said, with the background as it is."""
    heard = transcribe(_mixed(folder), STEM_RATE, language=target, speakers=1).text
    wanted = " ".join(
        line for line in dubbed.srt_target.splitlines() if line and not line.isdigit() and "-->" not in line
    )
    return words_wrong(_words(wanted), _words(heard))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def words_wrong(wanted: Sequence[str], heard: Sequence[str]) -> float:
    """Edits between two texts for each word of the first (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, one in enumerate(wanted, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1] / max(len(wanted), 1)


def _print(results: Sequence[Result], target: str) -> None:
    table = Table(title=f"dubbing into {target}")
    for heading in (
        "clip", "s", "segments", "start worst / median, s", "speed", "background, dB", "WER", "shortened, late",
        "CPU a second: hear / speak / mix, lips, encode", "wall a second", "lips",
    ):  # fmt: skip
        table.add_column(heading)
    for r in results:
        table.add_row(
            r.name,
            f"{r.seconds:.1f}",
            str(r.segments),
            f"{r.worst_start_s:.3f} / {r.usual_start_s:.3f}{'' if r.worst_start_s <= START_BAR_S else ' missed'}",
            f"{r.rates[0]:.2f}-{r.rates[1]:.2f}",
            f"{r.background_db:.2f}{' missed' if r.background_db > BACKGROUND_BAR_DB else ''}",
            f"{r.word_error:.0%}",
            f"{r.shortened}, {r.late}",
            f"{r.hear_cpu:.2f} / {r.speech_cpu:.2f} / {r.rest_cpu:.2f}",
            f"{r.wall:.2f}",
            "moved" if r.lips else "-",
        )
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
