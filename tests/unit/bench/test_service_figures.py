from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from bench.figures import Figure, Spread, table
from bench.service import coins
from bench.service.work import Watched


def test_a_figure_is_put_beside_its_baseline_and_its_bar() -> None:
    slow = Figure(name="answer", value=6.0, baseline=2.0, bar=5.0)
    assert (slow.ratio, slow.verdict) == (3.0, "missed")
    quick = Figure(name="answer", value=5.0, bar=5.0)
    assert (quick.ratio, quick.verdict) == (None, "kept")
    assert Figure(name="memory", value=80, unit="MB").verdict == ""


def test_the_table_names_the_baseline() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(table("Answers", "an idle service", [Figure(name="coins, p50", value=4.2, baseline=2.1, bar=5)]))
    text = console.export_text()
    assert "baseline: an idle service" in text
    assert "2.00" in text and "kept" in text


def test_a_spread_is_made_of_something() -> None:
    spread = Spread.of([float(n) for n in range(1, 102)])
    assert (spread.p50, spread.p95, spread.p99) == (51, 96, 100)
    with pytest.raises(ValueError, match="nothing"):
        Spread.of([])


def test_standing_still_counts_from_the_request_to_the_end() -> None:
    seen = Watched(record={}, took_s=10.0, changes_s=[1.0, 2.5, 9.0])
    assert seen.gap_s == 6.5
    assert Watched(record={}, took_s=3.0).gap_s == 3.0


@pytest.mark.long
def test_tasks_are_accepted_and_charges_of_four_processes_add_up(tmp_path: Path) -> None:
    figures = coins.measure(tmp_path, "SQLite", f"sqlite:///{tmp_path / 'coins.db'}", 20, [])
    assert [figure.unit for figure in figures] == ["ms", "1/s", "s", "1/s"]
    assert all(figure.value > 0 for figure in figures)
