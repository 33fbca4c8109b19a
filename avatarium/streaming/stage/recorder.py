"""A room's recording: the very pictures that its viewers get, and its sound, in an MP4 that is kept as results are.

Of a transparent room, whose pictures travel in double height, a WebM with a clear ground is made of it in the end.
"""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from avatarium.clock import DAY_MS
from avatarium.errors import AvatariumError
from avatarium.platform import MediaPlatform
from avatarium.streaming.stage.show import PICTURE_STEP, SOUND_STEP, TICK_S, Beat
from avatarium.streaming.transports.codecs import AAC_OPTIONS
from avatarium.streaming.transports.viewer import PICTURE_RATE, RECORDED, SOUND_RATE, LivePacket
from avatarium.streaming.wire import RoomSpec

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream

    from avatarium.engine.speech.records import Samples

NAME = "recording.mp4"
MEDIA_TYPE = "video/mp4"
CLEAR_NAME, CLEAR_TYPE = "recording.webm", "video/webm"
"""Of a transparent room."""
SIDECAR, SIDECAR_TYPE = ".c2pa", "application/c2pa"
ENGINES = {False: "avatarium-photo", True: "avatarium-video"}
"""By whether the avatar is from a video."""
WAITING_MAX = 250
"""Ticks that may wait for the disk: 10 s. What comes then is left out, and the recording has a gap."""
SOUND_BITRATE = 96_000
STOP_S = 30.0
CREDENTIALS = "credentials"
log = structlog.get_logger()


class Recorder:
    """Writes one file in a thread of its own, beginning with the first key frame.

    Args:
        path: where to; its folder is made.
        size: width and height of the pictures.
    """

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self.path = path
        self._size = size
        self._beats: queue.Queue[Beat | None] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self.lost = 0
        """Ticks that are missing because the disk was too slow."""
        self.problem = ""
        """Why there is no file, where there is none."""
        self.duration_s = 0.0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def write(self, beat: Beat) -> None:
        """Add a tick; never waits."""
        try:
            self._beats.put_nowait(beat)
        except queue.Full:
            self.lost += 1

    def finish(self) -> bool:
        """Complete the file; False where there is none. Blocks, twice half a minute at most."""
        try:
            self._beats.put(None, timeout=STOP_S)
        except queue.Full:
            self.problem = self.problem or "the disk does not answer"
            return False
        self._thread.join(STOP_S)
        return not self.problem and not self._thread.is_alive() and self.path.exists()

    def _run(self) -> None:
        film: _Film | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            while (beat := self._beats.get()) is not None:
                picture = beat.pictures.get(RECORDED)
                if film is None and picture is not None and picture.key:
                    film = _Film(self.path, self._size, picture.data, beat)
                if film is not None:
                    film.add(beat)
                    self.duration_s = film.duration_s
        except Exception as problem:
            self.problem = str(problem) or type(problem).__name__
            log.exception("recording_failed")
            self._drain()
        finally:
            if film is not None:
                self._close(film)
        if film is None:
            self.problem = self.problem or "nothing was shown"

    def _drain(self) -> None:
        while self._beats.get() is not None:
            pass

    def _close(self, film: _Film) -> None:
        try:
            film.close()
        except Exception as problem:
            self.problem = str(problem) or type(problem).__name__
            log.exception("recording_failed")


class _Film:
    """An MP4 in the making, whose time begins with a given tick and is the wall's: where ticks are missing, or the room
    stood still, the picture before stays and nothing is heard."""

    def __init__(self, path: Path, size: tuple[int, int], head: bytes, first: Beat) -> None:
        import av

        self._first, self._last = first, first
        self._ticks = 0
        """Written, silent ones too."""
        self._container: OutputContainer = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._picture: VideoStream = self._container.add_stream(RECORDED, rate=25)
        self._picture.width, self._picture.height = size
        self._picture.pix_fmt = "yuv420p"
        self._picture.time_base = Fraction(1, PICTURE_RATE)
        # Annex B, from which the file's own form is made: the parameter sets stand before every key frame.
        self._picture.codec_context.extradata = head
        self._sound: AudioStream = self._container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        self._sound.bit_rate = SOUND_BITRATE
        self._sound.codec_context.options = AAC_OPTIONS

    @property
    def duration_s(self) -> float:
        return self._ticks * TICK_S

    def add(self, beat: Beat) -> None:
        """Write a tick where it belongs."""
        import numpy as np

        place = self._place(beat)
        silence = np.zeros(SOUND_STEP, np.float32)
        while self._ticks < place:
            self._add_sound(silence)
        picture = beat.pictures.get(RECORDED)
        if picture is not None:
            self._add_picture(picture)
        self._add_sound(beat.pcm)
        self._last = beat

    def _place(self, beat: Beat) -> int:
        """Ticks are numbered on from where a room stood still; when each was due tells for how long that was."""
        following = self._ticks + max(0, beat.number - self._last.number - 1)
        return max(following, round((beat.due_s - self._first.due_s) / TICK_S))

    def _add_picture(self, picture: LivePacket) -> None:
        import av

        packet = av.Packet(picture.data)
        packet.stream = self._picture
        packet.time_base = Fraction(1, PICTURE_RATE)
        packet.pts = packet.dts = self._ticks * PICTURE_STEP
        packet.duration = PICTURE_STEP
        packet.is_keyframe = picture.key
        self._container.mux(packet)

    def _add_sound(self, pcm: Samples) -> None:
        import av

        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="fltp", layout="mono")
        frame.sample_rate = SOUND_RATE
        frame.time_base = Fraction(1, SOUND_RATE)
        frame.pts = self._ticks * SOUND_STEP
        self._container.mux(self._sound.encode(frame))
        self._ticks += 1

    def close(self) -> None:
        self._container.mux(self._sound.encode(None))
        self._container.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Where recordings go."""

    platform: MediaPlatform
    note: Callable[[str, str], None]
    """Told the room and the key of its recording."""

    def keep(self, recorder: Recorder, spec: RoomSpec) -> str:
        """Finish, sign and store a recording, and answer with its key; empty where there is none. Runs in a thread."""
        try:
            if not recorder.finish():
                log.warning("recording_missing", room=spec.room_id, reason=recorder.problem)
                return ""
            return self._stored(recorder, spec)
        except AvatariumError as problem:
            log.error("recording_not_kept", room=spec.room_id, reason=problem.message)
            return ""
        finally:
            shutil.rmtree(recorder.path.parent, ignore_errors=True)

    def _stored(self, recorder: Recorder, spec: RoomSpec) -> str:
        """What was recorded is kept before anything is made of it: that takes time, and may fail."""
        key = self._put(recorder.path, spec, NAME, MEDIA_TYPE, recorder.duration_s)
        if not spec.transparent:
            return key
        clear = recorder.path.with_name(CLEAR_NAME)
        try:
            from avatarium.engine.live.unpacking import unpacked

            unpacked(recorder.path, clear, duration_s=recorder.duration_s)
            return self._put(clear, spec, CLEAR_NAME, CLEAR_TYPE, recorder.duration_s)
        except AvatariumError as problem:
            log.error("recording_not_clear", room=spec.room_id, reason=problem.message)
            return key

    def _put(self, path: Path, spec: RoomSpec, name: str, media_type: str, seconds: float) -> str:
        settings, folder = self.platform.settings, f"results/{spec.owner}/{spec.room_id}/"
        if settings.content_credentials:
            self._sign(path, ENGINES[bool(spec.package_key)])
        files = {name: (path, media_type)}
        if (beside := _beside(path)).exists():
            files[name + SIDECAR] = (beside, SIDECAR_TYPE)
        for stored, (source, kind) in files.items():
            self.platform.storage.put(
                folder + stored,
                source,
                owner=spec.owner,
                media_type=kind,
                expires_ms=self.platform.clock.now_ms() + round(settings.result_days * DAY_MS),
                duration_s=round(seconds, 3) if source is path else None,
            )
        self.note(spec.room_id, folder + name)
        return folder + name

    def _sign(self, path: Path, engine: str) -> None:
        from avatarium.engine.provenance import Action, Signer, SourceType

        signer = Signer.open(self.platform.settings.home / CREDENTIALS)
        made, source = Action.CREATED, SourceType.COMPOSITE
        if not signer.sign(path, title=path.name, engine=engine, action=made, source_type=source):
            signer.sign_beside(path, _beside(path), title=path.name, engine=engine, action=made, source_type=source)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + SIDECAR)
