from __future__ import annotations

from pathlib import Path

import pytest

from avatarium.engine.assets import default_store
from avatarium.errors import AssetError


def asset(name: str) -> Path:
    try:
        return default_store().path(name)
    except AssetError as error:
        pytest.skip(f"the model file {name} cannot be had here: {error}")


@pytest.fixture(scope="session")
def kokoro() -> None:
    for name in ("kokoro", "kokoro-vocabulary", "kokoro-voices"):
        asset(name)


@pytest.fixture(scope="session")
def espeak_ng() -> None:
    asset("espeak-ng")


@pytest.fixture(scope="session")
def silero() -> None:
    asset("silero-vad")


@pytest.fixture(scope="session")
def whisper_base() -> Path:
    return asset("whisper-base")


@pytest.fixture(scope="session")
def speakers_model() -> Path:
    return asset("speakers")
