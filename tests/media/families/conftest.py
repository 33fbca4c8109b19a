"""One installation for all, the engine's real work, and instruments to look at what came out."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.assets import default_store
from avatarium.engine.speech.records import Samples
from avatarium.engine.video import read_sound
from avatarium.errors import AssetError
from bench.likeness.clip import read_frames
from bench.likeness.landmarks import Tracker
from bench.likeness.series import opening
from tests.running import Running, running

RATE = 24000
WORDS = "Papa bought a bamboo boat."


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("installation"), user_open=100) as made:
        yield made


@pytest.fixture
def it(installation: Running) -> Running:
    """The one installation, with nothing left over of the test before."""
    installation.worker.waiting.clear()
    installation.worker.progress.clear()
    installation.worker.before_step = lambda task, step: None
    return installation


@pytest.fixture(scope="session")
def speech_url(installation: Running) -> str:
    """Speech that was made here: about two seconds."""
    with installation.working():
        return str(installation.post("video/send_tts", {"msg": WORDS}))


@pytest.fixture(scope="session")
def speech(installation: Running, speech_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installation.save(speech_url, tmp_path_factory.mktemp("speech") / "speech.mp3")


@pytest.fixture(scope="session")
def sound(speech: Path) -> Samples:
    return read_sound(speech, RATE).samples


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A portrait that nobody sat for."""
    return resources.files("avatarium.engine.face").joinpath("portraits/ava.png").read_bytes()


@pytest.fixture(scope="session")
def photo_url(installation: Running, photo: bytes) -> str:
    return installation.upload(photo, "face.png")


@pytest.fixture(scope="session")
def whisper_base() -> Path:
    """The listener's model."""
    try:
        return default_store().path("whisper-base")
    except AssetError as error:
        pytest.skip(f"the model file whisper-base cannot be had here: {error}")


def frames_of(path: Path) -> list[NDArray[np.uint8]]:
    return [frame.picture for frame in read_frames(path)]


def openings(path: Path) -> NDArray[np.float64]:
    """How far the lips are apart in each frame, in distances of the eyes, as another library sees them."""
    tracker = Tracker()
    found = [tracker.locate(frame) for frame in frames_of(path)]
    lost = np.full((68, 2), np.nan)
    return opening(np.stack([lost if points is None else points for points in found]))


def likeness(one: Samples, other: Samples) -> float:
    """Correlation of two sounds, sample by sample from the first on."""
    count = min(len(one), len(other))
    return float(np.corrcoef(one[:count], other[:count])[0, 1])
