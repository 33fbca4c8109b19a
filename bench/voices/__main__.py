"""``python -m bench.voices levels|samples|errors [--voice NAME]... [--natural] [--rates]``.

``levels`` measures the gain of every voice; ``samples`` makes the sample of every voice (after ``levels``); ``errors``
prints the table of ``docs/speech.md``. Everything for all voices takes about half an hour on one core.
"""

from __future__ import annotations

import argparse
import sys

from avatarium.engine.speech import Voice, find_voice, voices
from bench.voices.errors import RATES, figures, natural_first, table
from bench.voices.levels import write_levels
from bench.voices.samples import write_samples


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("levels", "samples", "errors"))
    parser.add_argument("--voice", action="append", help="only this one; may be given again")
    parser.add_argument("--natural", action="store_true", help="no robotic ones")
    parser.add_argument("--robotic", action="store_true", help="only robotic ones")
    parser.add_argument("--rates", action="store_true", help="measure speeds as well")
    options = parser.parse_args()
    chosen = _chosen(options)
    if options.what == "levels":
        write_levels(chosen, voices())
    elif options.what == "samples":
        write_samples(chosen)
    else:
        measured = []
        for voice in chosen:
            measured.append(figures(voice, rates=RATES if options.rates else ()))
            print(table(measured[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
        print(table(measured))


def _chosen(options: argparse.Namespace) -> list[Voice]:
    if options.voice:
        return [find_voice(name) for name in options.voice]
    return [
        voice
        for voice in voices()
        if not (options.natural and not natural_first(voice) or options.robotic and natural_first(voice))
    ]


if __name__ == "__main__":
    main()
