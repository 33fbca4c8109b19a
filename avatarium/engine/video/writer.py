"""Writing a video file: frames and sound as they come, in bounded memory; complete under its name, or not there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from numpy.typing import NDArray

from avatarium.engine.files import StrPath
from avatarium.engine.video.encoding import METADATA_KEYS, EncoderOptions, VideoKind, check_picture, kind_of
from avatarium.engine.video.part import PartFile
from avatarium.engine.video.tracks import PictureTrack, SoundTrack
from avatarium.errors import OptionError, OutputError

if TYPE_CHECKING:  # the package of speech brings its models along when it is imported
    from avatarium.engine.speech.records import Samples

_SOUND_LEAD_S = 0.5
"""How far sound may lie before the picture in the file: players read them together."""
_EDIT_TIMESCALE = 48000
"""Of edit lists; FFmpeg's default of 1000 rounds the end of the sound to a millisecond."""


class VideoWriter:
    """Writes H.264 and AAC to ``.mp4``, or VP9 (with alpha where asked) and Opus to ``.webm``.

    The n-th frame is shown from n / fps, the first sample sounds at 0; the end of the shorter of the two is filled with
    silence or with the last frame, so that both end together. Colours are BT.709, limited range, 4:2:0, and tagged
    so. The same input gives the same bytes. The file grows under a hidden name beside ``path`` and takes its name
    when it is complete; what was there before stays until then. Use it as a context manager: an exception inside
    discards the file.

    Not for several threads at once. Write sound and frames in step, or all the sound first.

    Args:
        path: where the file shall be; the ending decides the kind.
        width, height: of every frame, in pixels, even.
        fps: frames a second: 24, 25, 30 or 50.
        rate: samples a second of the sound that will be written; None for a silent film.
        alpha: whether the picture has a clear background (WebM only).
        title: shown by players.
        metadata: more of the tags in ``METADATA_KEYS``.
        options: how to encode.

    Raises:
        OptionError: ``output_format``, ``output_alpha``, ``size_odd``, ``size_range``, ``fps_unknown`` or
            ``metadata_unknown``.
        OutputError: here or later: ``output_folder_missing``, ``output_is_folder``, ``output_not_writable``,
            ``output_full``, ``output_empty`` (closed without a frame) or ``output_failed``.
    """

    def __init__(
        self,
        path: StrPath,
        *,
        width: int,
        height: int,
        fps: int = 25,
        rate: int | None,
        alpha: bool = False,
        title: str = "",
        metadata: Mapping[str, str] | None = None,
        options: EncoderOptions | None = None,
    ) -> None:
        self.path = Path(path)
        self.fps = fps
        self._shape = (height, width)
        self._alpha = alpha
        self._held: deque[Packet[Any]] = deque()
        self._container: OutputContainer | None = None
        options = options or EncoderOptions()
        kind = kind_of(path, alpha=alpha)
        check_picture(width, height, fps)
        tags = _tags(title, metadata or {})
        self._part = PartFile(self.path)
        with self._undone_on_failure(), self._part.writing():
            self._container = create_container(self._part.part, kind, tags)
            self._picture = PictureTrack(
                self._container, kind, width=width, height=height, fps=fps, alpha=alpha, options=options
            )
            self._sound = SoundTrack(self._container, kind, rate=rate, options=options) if rate else None

    @property
    def frames(self) -> int:
        """How many frames were written."""
        return self._picture.frames

    @property
    def duration_s(self) -> float:
        """Length of the picture so far."""
        return self._picture.frames / self.fps

    def write(self, rgb: NDArray[np.uint8]) -> None:
        """Add a frame, ``uint8`` RGB ``(height, width, 3)``; the array may be reused at once."""
        self._check_frame(rgb, 3)
        with self._part.writing():
            self._add_picture(self._picture.encode(rgb))

    def write_alpha(self, rgba: NDArray[np.uint8]) -> None:
        """Add a frame with alpha, ``uint8`` RGBA ``(height, width, 4)``, the colours not multiplied by alpha."""
        if not self._alpha:
            raise ValueError("this writer was opened without alpha")
        self._check_frame(rgba, 4)
        with self._part.writing():
            self._add_picture(self._picture.encode(rgba))

    def write_sound(self, samples: Samples) -> None:
        """Add mono sound, ``float32`` in -1..1, at the rate given to the writer; pieces may have any length."""
        self._check_open()
        if self._sound is None:
            raise ValueError("this writer was opened without sound")
        if samples.ndim != 1 or samples.dtype != np.float32:
            raise ValueError(f"sound must be float32 of one dimension, not {samples.dtype} {samples.shape}")
        with self._part.writing():
            self._held.extend(self._sound.encode(samples))

    def close(self) -> None:
        """Finish the file and give it its name."""
        if self._container is None:
            return
        with self._undone_on_failure():
            if not self.frames:
                raise OutputError(f"{self.path.name} was not written: there is no frame in it.", code="output_empty")
            with self._part.writing():
                self._finish()
                self._container.close()
                self._container = None
                self._part.land()

    def abort(self) -> None:
        """Discard the file; nothing stays under its name that was not there before."""
        container, self._container = self._container, None
        if container is not None:
            # The header or trailer may fail as the rest did (a full disk); the file goes anyway.
            with suppress(OSError, av.FFmpegError, ValueError):
                container.close()
        self._held.clear()
        self._part.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()

    def _check_open(self) -> None:
        if self._container is None:
            raise ValueError("this writer is closed")

    def _check_frame(self, frame: NDArray[np.uint8], channels: int) -> None:
        self._check_open()
        if frame.shape != (*self._shape, channels) or frame.dtype != np.uint8:
            raise ValueError(f"a frame must be uint8 {(*self._shape, channels)}, not {frame.dtype} {frame.shape}")

    def _finish(self) -> None:
        sound = self._sound
        if sound is not None:
            self._held.extend(sound.drain())
            while self.frames * sound.rate < sound.samples * self.fps:
                self._add_picture(self._picture.repeat())
            self._held.extend(sound.pad(self.frames * sound.rate // self.fps))
            self._held.extend(sound.finish())
        self._add_picture(self._picture.finish())
        self._mux(self._held)

    def _add_picture(self, packets: Iterable[Packet[Any]]) -> None:
        """Put pictures into the file, and the sound that belongs beside them.

        Sound that was written ahead is held as packets, 16 kB a second: put into the file at once, it would all lie
        before the picture.
        """
        for packet in packets:
            until_s = _decoding_time_s(packet) + _SOUND_LEAD_S
            while self._held and _decoding_time_s(self._held[0]) <= until_s:
                self._mux((self._held.popleft(),))
            self._mux((packet,))

    def _mux(self, packets: Iterable[Packet[Any]]) -> None:
        assert self._container is not None
        for packet in packets:
            self._container.mux(packet)

    @contextmanager
    def _undone_on_failure(self) -> Iterator[None]:
        """Discard the file if anything inside raises, an interrupt included."""
        with ExitStack() as undo:
            undo.callback(self.abort)
            yield
            undo.pop_all()


def _decoding_time_s(packet: Packet[Any]) -> float:
    return float((packet.dts or 0) * packet.time_base)


def _tags(title: str, metadata: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(metadata) - set(METADATA_KEYS))
    if unknown:
        raise OptionError(
            f"A video file has no tag {unknown[0]!r}. Choose among {', '.join(METADATA_KEYS)}.", code="metadata_unknown"
        )
    return {**metadata, **({"title": title} if title else {})}


def create_container(part: Path, kind: VideoKind, tags: dict[str, str]) -> OutputContainer:
    """Open a file for writing: no clock or maker written into it, an MP4 playable while it loads."""
    options = {"fflags": "+bitexact"}
    if kind is VideoKind.MP4:
        options |= {"movflags": "+faststart", "movie_timescale": str(_EDIT_TIMESCALE)}
    container = av.open(str(part), "w", format=kind.value, options=options)
    container.metadata.update(tags)
    return container
