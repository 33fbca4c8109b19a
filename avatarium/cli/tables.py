"""Tables for people and for `cut` and `awk`: nothing is ever shortened, whatever the width of the window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Print rows under headings; those in ``right`` are numbers."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(headings), *cells]) for i in range(len(headings))]
    for row in [list(headings), *cells]:
        columns = zip(row, widths, headings, strict=True)
        print("  ".join(c.rjust(w) if h in right else c.ljust(w) for c, w, h in columns).rstrip())
