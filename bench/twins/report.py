"""The figures of a twin beside the clip's own, the photo actor's on one of its frames, and their bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.table import Table

from bench.twins.measure import Measured, render_p

FRAME_MS = 40.0
Value = Callable[[Measured], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure: of the clip, of the twin, of the baseline; and what the twin must reach."""

    title: str
    twin: Value
    clip: Value | None = None
    photo: Value | None = None
    low: Value | None = None
    high: Value | None = None

    def verdict(self, measured: Measured) -> str:
        """Whether the bar is kept; empty where there is none or nothing was measured."""
        value = self.twin(measured)
        low, high = (bar(measured) if bar else None for bar in (self.low, self.high))
        if value is None or (low is None and high is None):
            return ""
        return "kept" if (low is None or value >= low) and (high is None or value <= high) else "MISSED"

    def bar(self, measured: Measured) -> str:
        """The bar in words."""
        low, high = (bar(measured) if bar else None for bar in (self.low, self.high))
        if low is not None and high is not None:
            return f"{low:.3g} .. {high:.3g}"
        return f">= {low:.3g}" if low is not None else f"<= {high:.3g}" if high is not None else ""


def _at(value: float) -> Value:
    return lambda _: value


def _natural_closures(m: Measured) -> float | None:
    """The clip's own rate less five points, where sound and picture of the clip belong together."""
    rate = m.own.closure_rate
    return None if rate is None or not in_step(m) else rate - 0.05


def in_step(m: Measured) -> bool:
    """Whether the clip's own mouth does what its sound says: else nothing natural can be read from it."""
    return m.own.correlation >= 0.25 and m.own.closures_total >= 3


ROWS = (
    Row(
        title="A/V offset, frames of 40 ms", low=_at(-1), high=_at(1), clip=lambda m: m.own.offset_frames,
        twin=lambda m: m.twin.offset_frames, photo=lambda m: m.photo.offset_frames,
    ),
    Row(
        title="correlation with the sounds", low=_at(0.65), clip=lambda m: m.own.correlation,
        twin=lambda m: m.twin.correlation, photo=lambda m: m.photo.correlation,
    ),
    Row(
        title="closures on p, b, m", low=_natural_closures, clip=lambda m: m.own.closure_rate,
        twin=lambda m: m.twin.closure_rate, photo=lambda m: m.photo.closure_rate,
    ),
    Row(
        title="opening p95, IOD", clip=lambda m: m.own.opening_p95, twin=lambda m: m.twin.opening_p95,
        photo=lambda m: m.photo.opening_p95,
    ),
    Row(
        title="identity distance, mean", high=_at(0.35), clip=lambda m: m.own.identity_mean,
        twin=lambda m: m.twin.identity_mean, photo=lambda m: m.photo.identity_mean,
    ),
    Row(
        title="identity distance, max", high=_at(0.6), clip=lambda m: m.own.identity_max,
        twin=lambda m: m.twin.identity_max, photo=lambda m: m.photo.identity_max,
    ),
    Row(title="pixels changed outside mouth and jaw", high=_at(0), twin=lambda m: m.watched.outside_share),
    Row(title="blend band, texture / source's", low=_at(0.8), high=_at(1.25), twin=lambda m: m.watched.texture),
    Row(title="blend band, edges / source's", high=_at(1.25), twin=lambda m: m.watched.edges),
    Row(title="loop joint / clip's p95 step", high=_at(1), twin=lambda m: m.joint),
    Row(title="largest step in the loop / p95", twin=lambda m: m.inside),
    Row(
        title="lip colour change a frame", high=lambda m: max(m.own.lip_flicker or 0.0, 2.0),
        clip=lambda m: m.own.lip_flicker, twin=lambda m: m.twin.lip_flicker, photo=lambda m: m.photo.lip_flicker,
    ),
    Row(
        title="landmark jitter, IOD", clip=lambda m: m.own.jitter, twin=lambda m: m.twin.jitter,
        photo=lambda m: m.photo.jitter,
    ),
    Row(
        title="head yaw sd, degrees", clip=lambda m: m.own.yaw_sd, twin=lambda m: m.twin.yaw_sd,
        photo=lambda m: m.photo.yaw_sd,
    ),
    Row(
        title="lip error, personal (general beside), IOD",
        clip=lambda m: m.fitting.general_error if m.fitting else None,
        twin=lambda m: m.fitting.personal_error if m.fitting else None,
        high=lambda m: m.fitting.general_error if m.fitting and m.fitting.style else None,
    ),
    Row(title="intake, s for each s of clip", twin=lambda m: m.intake_s / m.clip.duration_s),
    Row(title="preparing, s for each s of clip", high=_at(4.5), twin=lambda m: m.prepared.seconds / m.clip.duration_s),
    Row(title="preparing, CPU s for each s of clip", twin=lambda m: m.prepare_cpu_s / m.clip.duration_s),
    Row(title="render, CPU ms a frame", twin=lambda m: render_p(m.watched, 50)),
    Row(title="render p95, CPU ms a frame", high=_at(FRAME_MS), twin=lambda m: render_p(m.watched, 95)),
    Row(title="job, s for each s of video", high=_at(1), twin=lambda m: m.take.real_time_factor),
)  # fmt: skip


def one_table(m: Measured) -> Table:
    """All figures of one clip."""
    size = f"{m.clip.width} x {m.clip.height}, {m.clip.duration_s:.1f} s"
    grid = Table(title=f"{m.source.name} ({size}); photo: the photo actor on one frame", title_justify="left")
    for heading in ("figure", "clip itself", "twin", "photo", "twin / photo", "bar", ""):
        grid.add_column(heading, justify="left" if heading in ("figure", "") else "right")
    for row in ROWS:
        twin, photo = row.twin(m), row.photo(m) if row.photo else None
        ratio = "" if twin is None or not photo else f"{twin / photo:.2f}"
        clip = row.clip(m) if row.clip else None
        grid.add_row(row.title, number(clip), number(twin), number(photo), ratio, row.bar(m), row.verdict(m))
    return grid


def summary(all_measured: Sequence[Measured]) -> list[str]:
    """The twins' figures side by side, as a table in Markdown: a column for each clip, missed bars with a mark."""
    lines = [
        "| figure | " + " | ".join(m.source.name for m in all_measured) + " |",
        "| --- |" + " --- |" * len(all_measured),
    ]
    for row in ROWS:
        cells = (number(row.twin(m)) + (" (missed)" if row.verdict(m) == "MISSED" else "") for m in all_measured)
        lines.append(f"| {row.title} | " + " | ".join(cells) + " |")
    return lines


def number(value: float | None) -> str:
    """Three figures, or a dash for what was not measured."""
    return "-" if value is None else f"{value:.3g}"
