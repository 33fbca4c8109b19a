"""What can go wrong on the way, each as one sentence that says what to do."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avatarium.errors import AssetError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_NO_RIGHT = {errno.EROFS, errno.EACCES, errno.EPERM}

_CASES = (
    ("asset_disk_full", r"no space left|disk quota exceeded|ENOSPC"),
    ("asset_hash", r"do not match the hashes|hash mismatch|EINTEGRITY"),
    (
        "asset_offline",
        r"connection\w*error|name resolution|connection refused|timed? ?out|timeouterror|proxyerror|unreachable|"
        r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|dns error|error sending request|failed to fetch|"
        r"network (?:was|connectivity is) disabled",
    ),
    (
        "asset_not_found",
        r"no matching distribution|could not find a version|no solution found|E404|ETARGET|404 not found",
    ),
)

_SENTENCES = {
    "asset_disk_full": "The disk is full while fetching {label}; free some room, then run `{again}`.",
    "asset_hash": "{label} is not the file that the manifest names (its sha256 differs), so it was not used; "
    "check the package index or proxy in between, then run `{again}`.",
    "asset_offline": "{label} cannot be fetched without a network connection; connect once and run `{again}`.",
    "asset_not_found": "The package index in use does not offer {label}; point the client at one that does, "
    "then run `{again}`.",
    "asset_fetch_failed": "{label} could not be fetched ({detail}); run `{again}` to try again.",
    "asset_timeout": "Fetching {label} came to a halt: nothing arrived for {detail}; run `{again}` to go on.",
}


def again(asset: str) -> str:
    """The command that repairs an asset."""
    return f"avatarium assets fetch {asset}"


def trouble(code: str, *, label: str, asset: str, detail: str = "") -> AssetError:
    """The error for a case of ``_SENTENCES``."""
    return AssetError(_SENTENCES[code].format(label=label, again=again(asset), detail=detail), code=code)


def from_output(output: str, *, label: str, asset: str) -> AssetError:
    """Read the complaint of pip, uv or npm."""
    code = next((code for code, words in _CASES if re.search(words, output, re.IGNORECASE)), "asset_fetch_failed")
    return trouble(code, label=label, asset=asset, detail=_last_complaint(output))


def _last_complaint(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    complaints = [line for line in lines if re.match(r"error|npm err", line, re.IGNORECASE)]
    return (complaints or lines or ["the client program said nothing"])[-1][:200].rstrip(". ")


@contextmanager
def disk_troubles(folder: Path, asset: str) -> Iterator[None]:
    """Turn the errors of a full, read-only or broken disk into an :class:`AssetError`."""
    try:
        yield
    except OSError as error:
        raise _from_disk(error, folder, asset) from error


def _from_disk(error: OSError, folder: Path, asset: str) -> AssetError:
    if error.errno in _NO_ROOM:
        return trouble("asset_disk_full", label=asset, asset=asset)
    if error.errno in _NO_RIGHT:
        message = (
            f"{folder} cannot be written to; set AVATARIUM_HOME to a folder of your own, then run `{again(asset)}`."
        )
        return AssetError(message, code="asset_read_only")
    message = f"{folder} cannot be used ({error.strerror}); set AVATARIUM_HOME to another folder."
    return AssetError(message, code="asset_disk")
