from __future__ import annotations

import pytest

from avatarium.engine.assets import default_store
from avatarium.errors import AssetError


@pytest.fixture(scope="session")
def brain_models() -> None:
    _fetched("minilm")


@pytest.fixture(scope="session")
def ear_models() -> None:
    _fetched("silero-vad", "whisper-base")


def _fetched(*names: str) -> None:
    for name in names:
        try:
            default_store().path(name)
        except AssetError as error:
            pytest.skip(f"the model file {name} cannot be had here: {error}")
