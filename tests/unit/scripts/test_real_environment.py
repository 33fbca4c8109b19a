"""The scripts with real programs: no package is fetched, because the list of requirements is empty."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("spoilt", [False, True], ids=["venv", "without ensurepip"])
def test_a_real_environment_without_uv(tmp_path: Path, spoilt: bool) -> None:
    """As on Debian without python3-venv: a pip beside Python, and no ensurepip to put one into environments."""
    folder = tmp_path / "checkout"
    (folder / "avatarium").mkdir(parents=True)
    (folder / "requirements").mkdir()
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    shutil.copy(ROOT / "run", folder / "run")
    (folder / "avatarium" / "__init__.py").touch()
    (folder / "avatarium" / "__main__.py").write_text("import sys; print(sys.prefix)")
    (folder / "requirements" / "base.txt").write_text("# nothing\n")
    base = Path(sys.base_prefix, "bin", "python3")
    if spoilt:
        probe = subprocess.run([base, "-m", "pip", "--version"], capture_output=True, timeout=60)
        if probe.returncode:
            pytest.skip("the Python below this environment has no pip")
        (tmp_path / "spoilt" / "ensurepip").mkdir(parents=True)
        (tmp_path / "spoilt" / "ensurepip" / "__init__.py").write_text("raise ImportError('kept elsewhere by Debian')")
    found = subprocess.run(
        [folder / "run"],
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "AVATARIUM_PYTHON": str(base),
            "PYTHONPATH": str(tmp_path / "spoilt") if spoilt else "",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == str(folder / ".venv")
