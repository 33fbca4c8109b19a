from __future__ import annotations

from pathlib import Path

import pytest

from avatarium.engine.assets import default_store
from avatarium.errors import AssetError


@pytest.fixture(scope="session")
def whisper_base() -> Path:
    """The listener's model."""
    try:
        return default_store().path("whisper-base")
    except AssetError as error:
        pytest.skip(f"the model file whisper-base cannot be had here: {error}")
