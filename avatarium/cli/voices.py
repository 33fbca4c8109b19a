"""``avatarium voices``: who there is to speak."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from avatarium.errors import OptionError

if TYPE_CHECKING:
    from avatarium.engine.speech import Voice


def voices(
    language: Annotated[
        str | None, typer.Option(metavar="TAG", help="Only those of a language, such as en or pt-BR.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the voices; the first of each language is the one that is used unless you choose."""
    chosen = _of(language)
    if as_json:
        json.dump([asdict(voice) for voice in chosen], sys.stdout, indent=2, ensure_ascii=False)
        print()
        return
    _print_table(chosen)


def _of(language: str | None) -> list[Voice]:
    from avatarium.engine.speech import voices as every_voice

    wanted = (language or "").strip().lower().replace("_", "-")
    tags = {tag for voice in every_voice() for tag in voice.languages}
    found = [
        v
        for v in every_voice()
        if any(tag.lower() == wanted or tag.lower().startswith(wanted + "-") for tag in v.languages)
    ]
    if language is None:
        return list(every_voice())
    if not found:
        raise OptionError(
            f'No voice speaks the language "{language}"; there are voices for {", ".join(sorted(tags))}.',
            code="no_voice_for_language",
        )
    return found


def _print_table(chosen: list[Voice]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("language", no_wrap=True)
    table.add_column("engine", no_wrap=True)
    table.add_column("live")
    table.add_column("description")
    for voice in chosen:
        live = "yes" if voice.live else ""
        table.add_row(voice.name, voice.language, voice.engine.value, live, voice.description)
    Console(highlight=False).print(table)
