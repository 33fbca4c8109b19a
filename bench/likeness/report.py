"""The figures of one video, the bar of each, and how they are printed beside those of real talking people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path

from rich.table import Table

NATURAL_FILE = Path(__file__).with_name("natural.json")
RATE_NEEDS_S = 15.0
"""Shorter clips say nothing about blinks a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """What was measured in one video. None: the clip does not allow the figure (no p, b or m; no photo; no silence)."""

    duration_s: float
    frames: int
    frames_without_face: int
    face_share: float
    """Share of the frames in which a face was found."""
    offset_frames: float | None
    """Frames of 40 ms; negative: the picture leads the sound."""
    correlation: float
    """Of the opening with the expected opening, at that offset."""
    closures_shut: int
    closures_total: int
    closure_rate: float | None
    """Share of p, b, m with shut lips."""
    rounding: float | None
    """Mouth width in u, w, o over that in i, e, s."""
    opening_p95: float | None
    """95th percentile of the gap between the lips, in outer-eye distances (IOD)."""
    mouth_motion_ratio: float | None
    """Change of the mouth box while speaking over that in silence."""
    identity_mean: float | None
    """dlib embedding distance to the photo, or to the first frame where there is none."""
    identity_max: float | None
    background_db: float | None
    """PSNR of frame differences outside the head band."""
    lip_flicker: float | None
    """Mean absolute change of the lips' colour a frame, levels of 255."""
    skin_flicker: float | None
    """The same of the cheeks."""
    jitter: float | None
    """Median second difference of five still landmarks, IOD."""
    blinks_per_minute: float | None
    blinks_found: float | None
    """Share of the scheduled blinks that were seen, by the lids' landmarks or by the look of the eyes."""
    yaw_sd: float | None
    """Degrees."""
    pitch_sd: float | None
    roll_sd: float | None
    nose_speed: float | None
    """Median speed of the bridge of the nose, IOD a second."""

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """Verdict of every figure that has a bar."""
        return {bar.figure: bar.judge(self) for bar in BARS}

    @property
    def failures(self) -> tuple[str, ...]:
        """Names of the figures that miss their bar."""
        return tuple(name for name, verdict in self.verdicts.items() if verdict is Verdict.FAIL)


class Verdict(StrEnum):
    """How a figure stands to its bar."""

    PASS = "pass"
    FAIL = "FAIL"
    UNMEASURED = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a video of the photo actor must reach in one figure."""

    figure: str
    title: str
    low: float | None = None
    high: float | None = None
    required: bool = False
    """Whether None is a failure: it then means that nothing moved."""
    shortest_s: float = 0.0

    def judge(self, likeness: Likeness) -> Verdict:
        """Compare; the bar itself still passes."""
        value = getattr(likeness, self.figure)
        if value is None:
            return Verdict.FAIL if self.required else Verdict.UNMEASURED
        if likeness.duration_s < self.shortest_s:
            return Verdict.UNMEASURED
        above = self.low is None or value >= self.low
        below = self.high is None or value <= self.high
        return Verdict.PASS if above and below else Verdict.FAIL

    @property
    def text(self) -> str:
        """The bar in words."""
        if self.low is None:
            return f"<= {self.high:g}"
        return f">= {self.low:g}" if self.high is None else f"{self.low:g} .. {self.high:g}"


BARS = (
    Bar(figure="face_share", title="frames with a face", low=0.98),
    Bar(figure="offset_frames", title="A/V offset, frames of 40 ms", low=-1, high=1, required=True),
    Bar(figure="correlation", title="correlation with the sounds", low=0.65),
    Bar(figure="closure_rate", title="closures on p, b, m", low=0.95),
    Bar(figure="rounding", title="rounding, width u-w-o / i-e-s", high=0.94),
    Bar(figure="opening_p95", title="opening p95, IOD", low=0.08, high=0.22, required=True),
    Bar(figure="mouth_motion_ratio", title="mouth motion, speech / silence", low=1.5),
    Bar(figure="identity_mean", title="identity distance, mean", high=0.35),
    Bar(figure="identity_max", title="identity distance, max", high=0.5),
    Bar(figure="background_db", title="background stillness, dB", low=45),
    Bar(figure="lip_flicker", title="lip colour change a frame", high=4.0),
    Bar(figure="skin_flicker", title="cheek colour change a frame", high=2.0),
    Bar(figure="jitter", title="landmark jitter, IOD", high=0.012),
    Bar(figure="blinks_per_minute", title="blinks a minute", low=8, high=30, shortest_s=RATE_NEEDS_S),
    Bar(figure="blinks_found", title="scheduled blinks found", low=0.8),
    Bar(figure="yaw_sd", title="head yaw sd, degrees", low=0.3, high=8),
    Bar(figure="pitch_sd", title="head pitch sd, degrees", low=0.3, high=8),
    Bar(figure="roll_sd", title="head roll sd, degrees", low=0.3, high=8),
    Bar(figure="nose_speed", title="nose speed, IOD/s", low=0.03, high=0.7),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """One figure over real talking people."""

    low: float
    median: float
    high: float
    clips: int


def load_natural(path: Path = NATURAL_FILE) -> dict[str, Range]:
    """Ranges measured over real clips; see ``python -m bench.likeness --natural``."""
    return {figure: Range(**values) for figure, values in json.loads(path.read_text())["ranges"].items()}


def table(likeness: Likeness, natural: Mapping[str, Range], title: str) -> Table:
    """Figure, value, natural range, bar, verdict."""
    grid = Table(title=title, title_justify="left")
    for heading in ("figure", "value", "natural", "bar", "verdict"):
        grid.add_column(heading, justify="left" if heading == "figure" else "right")
    verdicts = likeness.verdicts
    for bar in BARS:
        known = natural.get(bar.figure)
        span = f"{known.low:.3g} .. {known.high:.3g}" if known else ""
        shown = number(getattr(likeness, bar.figure))
        if bar.figure == "closure_rate" and likeness.closures_total:
            shown += f" ({likeness.closures_shut}/{likeness.closures_total})"
        grid.add_row(bar.title, shown, span, bar.text, str(verdicts[bar.figure]))
    return grid


def number(value: float | None) -> str:
    """Three figures, or a dash for what was not measured."""
    return "-" if value is None else f"{value:.3g}"


def as_json(likeness: Likeness) -> str:
    """All figures and verdicts for programs."""
    verdicts = {name: str(verdict) for name, verdict in likeness.verdicts.items()}
    return json.dumps({"figures": asdict(likeness), "verdicts": verdicts}, indent=2)


FIGURES = tuple(field.name for field in fields(Likeness))
