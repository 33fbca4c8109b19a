"""Words that a listener hears wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jiwer import wer


def word_errors(wanted: Sequence[str], heard: Sequence[str]) -> float:
    """Share of the words of all sentences together; marks and capitals count for nothing."""
    return float(wer([_plain(text) for text in wanted], [_plain(text) or "-" for text in heard]))


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))
