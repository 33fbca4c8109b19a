"""Recordings of transparent rooms, made into films with a clear ground."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.live.packing import pack
from avatarium.engine.live.unpacking import unpacked
from avatarium.errors import OutputError

SIDE, RED = 64, (200, 40, 40)


def person(left: int) -> NDArray[np.uint8]:
    """Somebody red, half of the picture wide."""
    picture = np.zeros((SIDE, SIDE, 4), np.uint8)
    picture[:, left : left + SIDE // 2] = (*RED, 255)
    return picture


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A second; in its middle five pictures were left out, and then the person stands elsewhere."""
    path = tmp_path / "recording.mp4"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25, options={"crf": "10"})
        picture.width, picture.height, picture.pix_fmt = SIDE, 2 * SIDE, "yuv420p"
        sound = container.add_stream("aac", rate=48000, layout="mono")
        for number in range(25):
            if not 10 <= number < 15:
                frame = av.VideoFrame.from_ndarray(pack(person(0 if number < 10 else SIDE // 2)), format="yuv420p")
                frame.pts = number
                container.mux(picture.encode(frame))
            tone = 0.3 * np.sin(np.arange(number * 1920, (number + 1) * 1920) * 2 * np.pi * 440 / 48000)
            heard = av.AudioFrame.from_ndarray(tone.astype(np.float32).reshape(1, -1), format="fltp", layout="mono")
            heard.sample_rate, heard.pts = 48000, number * 1920
            container.mux(sound.encode(heard))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    return path


def frames_with_alpha(path: Path) -> list[NDArray[np.uint8]]:
    """By libvpx: FFmpeg's own decoder leaves the mask out."""
    with av.open(str(path)) as container:
        codec = av.CodecContext.create("libvpx-vp9", "r")
        codec.extradata = container.streams.video[0].codec_context.extradata
        packets = list(container.demux(container.streams.video[0]))
        frames = (frame for packet in packets for frame in codec.decode(packet))
        return [np.asarray(frame.to_ndarray(format="rgba"), np.uint8) for frame in frames]


def test_colours_and_mask_come_apart_and_gaps_are_bridged(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "recording.webm"
    unpacked(recording, out, duration_s=1.0)
    frames = frames_with_alpha(out)
    assert len(frames) in (25, 26)
    left, right = (slice(None), slice(4, 28)), (slice(None), slice(36, 60))
    for number, frame in enumerate(frames[:25]):
        here, away = (left, right) if number < 15 else (right, left)
        assert frame.shape == (SIDE, SIDE, 4)
        assert frame[..., 3][here].min() > 240 and frame[..., 3][away].max() < 12, f"frame {number}"
        assert np.abs(frame[..., :3][here].astype(int) - RED).max() < 24
    with av.open(str(out)) as container:
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
        assert "Synthetic" in container.metadata["COMMENT"]
    spectrum = np.abs(np.fft.rfft(heard[4800:43200]))
    assert abs(np.argmax(spectrum) * 48000 / 38400 - 440) < 3


def test_what_cannot_be_read_leaves_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "recording.mp4"
    broken.write_bytes(b"nothing")
    with pytest.raises(OutputError) as caught:
        unpacked(broken, tmp_path / "recording.webm", duration_s=1.0)
    assert caught.value.code == "not_unpacked" and list(tmp_path.glob("*.webm")) == []
