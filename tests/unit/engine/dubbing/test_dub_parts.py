"""How a video is taken in stretches, and who is looked for in each."""

from __future__ import annotations

from avatarium.engine.dubbing.document import Segment
from avatarium.engine.dubbing.parts import WINDOW_S, windows_of


def said(*rows: tuple[str, float, float]) -> list[Segment]:
    return [
        Segment(id=str(n), speaker=who, start_s=start, end_s=end, text="x", translation="y")
        for n, (who, start, end) in enumerate(rows)
    ]


def test_everybody_who_speaks_is_looked_for_apart() -> None:
    """Of two people who were shown in turns, only the one who was larger got new lips."""
    (window,) = windows_of(said(("s1", 0.0, 7.9), ("s2", 8.3, 12.9), ("s1", 15.0, 19.9)), 20.0)
    assert [[s.id for s in part.segments] for part in window] == [["0", "2"], ["1"]]
    first, second = window
    assert first.name != second.name
    assert [(s.start_s, s.end_s) for s in second.said] == [(8.3, 12.9)]
    assert all(span.end_s < 9.2 or span.start_s > 14.0 for span in first.spans), "not while the other speaks"


def test_long_videos_are_cut_where_nobody_speaks() -> None:
    windows = windows_of(said(*(("s1", 10.0 * n, 10.0 * n + 8) for n in range(30))), 300.0)
    assert len(windows) >= 5
    ends = [window[0].end_s for window in windows]
    assert ends == sorted(ends) and ends[-1] >= 300.0
    for window in windows:
        assert window[-1].end_s - window[0].start_s <= WINDOW_S + 12
        assert all(part.start_s <= s.start_s < s.end_s <= part.end_s for part in window for s in part.segments)


def test_where_nobody_speaks_nothing_is_looked_at() -> None:
    assert windows_of([], 10.0) == ()
