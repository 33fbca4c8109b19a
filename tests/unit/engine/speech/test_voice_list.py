"""``docs/speech.md`` names every voice that there is."""

from __future__ import annotations

import re
from pathlib import Path

from avatarium.engine.speech import voices

PAGE = (Path(__file__).parents[4] / "docs" / "speech.md").read_text(encoding="utf-8")


def test_every_voice_is_named_on_the_page() -> None:
    natural = {voice.name for voice in voices() if not voice.name.startswith("espeak")}
    robots = {voice.language for voice in voices() if voice.name.startswith("espeak")}
    listed = re.search(r"Robots, .*?\.\n", PAGE, re.S)
    assert natural == set(re.findall(r"(?:kokoro|hibari)-[a-z]+(?:-[a-z]{2})?", PAGE))
    assert listed is not None
    assert robots == set(re.findall(r"`([a-z]{2,3})`", listed[0]))
