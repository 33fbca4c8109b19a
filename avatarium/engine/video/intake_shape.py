"""Making single pictures plain: one picture out of two fields, the size, the turn and the colours of a clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.stream import VideoStream

from avatarium.engine.video.probe import MAX_PIXELS, shown_size
from avatarium.engine.video.tonemap import HLG, PQ, needs_mapping, write_cube

SHORT_SIDE = 1080
LONG_SIDE = 1920
_HD_HEIGHT = 720
_FULL_RANGE = 2
_BT601 = {4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m"}
_BT2020 = {9: "bt2020nc", 10: "bt2020nc"}
_QUALITY = "bicubic+accurate_rnd+full_chroma_int"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What decides how a decoded frame becomes a picture of the clip; it may change within a file."""

    width: int
    """As stored."""
    height: int
    pixels: str
    matrix: int
    full_range: bool
    primaries: int
    transfer: int
    rotation: int
    """Degrees anticlockwise by which it is turned to be shown."""

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Look:
        """The look of a decoded frame."""
        return cls(
            width=frame.width,
            height=frame.height,
            pixels=frame.format.name,
            matrix=int(frame.colorspace),
            full_range=int(frame.color_range) == _FULL_RANGE or frame.format.name.startswith("yuvj"),
            primaries=int(frame.color_primaries),
            transfer=int(frame.color_trc),
            rotation=round(frame.rotation / 90) * 90 % 360,
        )

    @property
    def high_dynamic(self) -> bool:
        """Whether it is PQ or HLG."""
        return self.transfer in (PQ, HLG)

    @property
    def mapped(self) -> bool:
        """Whether its colours must go through a cube."""
        return needs_mapping(self.primaries, self.transfer)

    @property
    def matrix_name(self) -> str:
        """FFmpeg's name of the matrix; by the height where the file does not tell."""
        known = _BT601 | _BT2020 | {1: "bt709"}
        guess = "bt2020nc" if self.high_dynamic else "bt709" if self.height >= _HD_HEIGHT else "smpte170m"
        return known.get(self.matrix, guess)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The size of the clip, upright, even sides."""

    width: int
    height: int
    shrunk: bool
    """Whether the source is larger."""
    squared: bool
    """Whether its pixels are oblong."""


def clip_shape(stream: VideoStream, rotation: int) -> Shape:
    """The size in which a picture stream is kept: as shown, within 1080 x 1920, never enlarged."""
    width, height = shown_size(stream, rotation)
    share = min(1.0, SHORT_SIDE / min(width, height), LONG_SIDE / max(width, height))
    stored = stream.codec_context.width, stream.codec_context.height
    return Shape(
        width=_even(width * share),
        height=_even(height * share),
        shrunk=share < 1,
        squared=(width, height) not in (stored, stored[::-1]),
    )


def _even(length: float) -> int:
    return max(2, int(length / 2 + 1e-6) * 2)


class Shaper:
    """Turns decoded frames into pictures of one size: yuv420p, BT.709, limited range, upright."""

    def __init__(self, shape: Shape, scratch: Path) -> None:
        self.shape = shape
        self._scratch = scratch
        self._graphs: dict[Look, Graph] = {}

    def shaped(self, frame: av.VideoFrame) -> av.VideoFrame:
        """A new frame; a file whose frames change their size or colours on the way goes on in the same size."""
        look = Look.of(frame)
        graph = self._graphs.get(look)
        if graph is None:
            self._graphs.clear()  # each holds buffers of whole pictures; a change back and forth is rare
            graph = self._graphs[look] = self._built(look)
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        graph.push(frame)
        picture = graph.pull()
        assert isinstance(picture, av.VideoFrame)
        return picture

    def _built(self, look: Look) -> Graph:
        width, height = self.shape.width, self.shape.height
        if look.rotation % 180:
            width, height = height, width
        into = f"in_color_matrix={look.matrix_name}:in_range={'pc' if look.full_range else 'tv'}"
        out = "out_color_matrix=bt709:out_range=tv"
        chain = [("scale", f"{width}:{height}:flags={_QUALITY}:{into}:{out}")]
        if look.mapped:
            cube = self._scratch / f"cube-{look.primaries}-{look.transfer}.cube"
            if not cube.exists():
                write_cube(cube, look.primaries, look.transfer)
            chain = [
                ("scale", f"{width}:{height}:flags={_QUALITY}:{into}:out_range=pc"),
                ("format", "gbrp16le"),
                ("lut3d", f"file={_escaped(cube)}:interp=tetrahedral"),
                ("scale", f"flags={_QUALITY}:{out}"),
            ]
        turn = {90: [("transpose", "cclock")], 180: [("hflip", ""), ("vflip", "")], 270: [("transpose", "clock")]}
        chain += [("format", "yuv420p"), *turn.get(look.rotation, [])]
        return chained(look, Fraction(1, 25), chain)


def _escaped(path: Path) -> str:
    """A path as a value among a filter's options (FFmpeg, "Quoting and escaping", first level)."""
    return "".join(f"\\{letter}" if letter in "\\':" else letter for letter in str(path))


def chained(look: Look, time_base: Fraction, filters: list[tuple[str, str]]) -> Graph:
    """A graph of filters one behind the other, for frames of one look."""
    graph = Graph()
    graph.threads = 2
    source = graph.add_buffer(
        width=look.width, height=look.height, format=VideoFormat(look.pixels), time_base=time_base
    )
    steps = [graph.add(name, arguments or None) for name, arguments in filters]
    graph.link_nodes(source, *steps, graph.add("buffersink")).configure()
    return graph


class Deinterlacer:
    """Makes whole pictures of frames that hold two moments (bwdif), where FFmpeg's idet says that they do.

    At 25 frames a second one picture for each frame, at other rates one for each field: 25 pictures are chosen from
    sixty a second better than from thirty.
    """

    def __init__(self, rate: Fraction) -> None:
        self._mode = "send_frame" if rate == 25 else "send_field"
        self._graph: Graph | None = None
        self._look: Look | None = None

    def split(self, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        """Pictures that are ready after this frame; None asks for the rest."""
        if frame is None:
            yield from self._flushed()
            return
        look = Look.of(frame)
        if look != self._look:
            yield from self._flushed()
            assert frame.time_base is not None
            filters = [("idet", ""), ("bwdif", f"mode={self._mode}:deint=all")]
            self._look, self._graph = look, chained(look, frame.time_base, filters)
        assert self._graph is not None
        self._graph.push(frame)
        yield from _ready(self._graph)

    def _flushed(self) -> Iterator[av.VideoFrame]:
        if self._graph is not None:
            self._graph.push(None)
            yield from _ready(self._graph)
        self._graph = self._look = None


def _ready(graph: Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            picture = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        if isinstance(picture, av.VideoFrame):
            yield picture


class FieldWatch:
    """Tells from the first seconds whether the frames of a file hold two moments each, whatever its header says."""

    _NEEDED = 12
    """Combed frames; single ones are mistakes of the detector."""
    _SHARE = 0.25

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._look: Look | None = None
        self.frames = self.combed = 0

    def look_at(self, frame: av.VideoFrame) -> None:
        """Take one more frame, in order."""
        look = Look.of(frame)
        if look.width * look.height > MAX_PIXELS or frame.time_base is None:
            return
        if look != self._look:
            self._look, self._graph = look, chained(look, frame.time_base, [("idet", "")])
        assert self._graph is not None
        self._graph.push(frame)
        for seen in _ready(self._graph):
            self.frames += 1
            kind = str(seen.metadata.get("lavfi.idet.multiple.current_frame", ""))
            self.combed += kind in ("tff", "bff")

    @property
    def interlaced(self) -> bool:
        """Whether fields must be split."""
        return self.combed >= max(self._NEEDED, self._SHARE * self.frames)
