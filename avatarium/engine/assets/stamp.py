"""What lies in an asset's folder: its payload, and a stamp written when it was installed.

The stamp holds size and sha256 of every file and the fingerprint of the manifest's entry. Opening an asset compares
sizes only; verifying reads every byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from avatarium.engine.assets.digest import FileDigest, digests
from avatarium.engine.assets.records import Asset, AssetStatus

STAMP = "stamp.json"
DAMAGED = "damaged"
"""An empty file left by a verification that failed, so that nobody opens the asset again."""


def write_stamp(folder: Path, asset: Asset) -> None:
    """Record what lies in ``folder`` now."""
    files = {name: asdict(digest) for name, digest in digests(folder / asset.payload).items()}
    stamp = {"asset": asset.name, "fingerprint": asset.fingerprint, "files": files}
    (folder / STAMP).write_text(json.dumps(stamp, indent=1), encoding="utf-8")


def quick_status(folder: Path, asset: Asset) -> AssetStatus:
    """Compare the stamp with the manifest and the sizes with the stamp; reads no payload."""
    if not (folder / STAMP).is_file():
        return AssetStatus.MISSING
    files = _recorded(folder, asset)
    if files is None:
        return AssetStatus.CORRUPT
    if not files:
        return AssetStatus.MISSING
    sound = all(_size(path) == digest.size for path, digest in _located(folder, asset, files).items())
    return AssetStatus.READY if sound and not (folder / DAMAGED).exists() else AssetStatus.CORRUPT


def full_status(folder: Path, asset: Asset, on_bytes: Callable[[int], None]) -> AssetStatus:
    """Like :func:`quick_status`, and compare the sha256 of every file; remembers a failure."""
    status, files = quick_status(folder, asset), _recorded(folder, asset)
    if status is AssetStatus.READY and files != digests(folder / asset.payload, on_bytes):
        with suppress(OSError):
            (folder / DAMAGED).touch()
        return AssetStatus.CORRUPT
    return status


def _recorded(folder: Path, asset: Asset) -> dict[str, FileDigest] | None:
    """The files in the stamp; empty where the manifest has since changed, None where the stamp cannot be read."""
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        files = {name: FileDigest(**digest) for name, digest in stamp["files"].items()}
        return files if stamp["fingerprint"] == asset.fingerprint else {}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _located(folder: Path, asset: Asset, files: dict[str, FileDigest]) -> dict[Path, FileDigest]:
    payload = folder / asset.payload
    single = len(files) == 1 and (asset.recipe is not None or asset.contents.files == 1)
    return {payload if single else payload / name: digest for name, digest in files.items()}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
