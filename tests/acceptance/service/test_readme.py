"""The first page of the documentation, followed to the letter by somebody who has just cloned the project."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.landmarks import find_face

ROOT = Path(__file__).parents[3]
PATIENCE_S = 300.0
RATE = 16_000

pytestmark = pytest.mark.long


def blocks(page: Path) -> list[str]:
    """What a page tells its reader to type."""
    return re.findall(r"^```sh\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of somebody with a data folder and a port of their own, in which the first block runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AVATARIUM")}
    kept |= {name: os.environ[name] for name in ("AVATARIUM_VENV", "AVATARIUM_PYTHON") if name in os.environ}
    environment = kept | {"AVATARIUM_HOME": str(tmp_path / "home"), "AVATARIUM_PORT": str(port)}
    log = tmp_path / "run.log"
    with log.open("w") as said:
        started = subprocess.Popen(
            ["sh", "-c", f"exec {blocks(ROOT / 'README.md')[0]}"],
            cwd=ROOT,
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        until_s = time.monotonic() + PATIENCE_S
        while "is ready" not in log.read_text():
            assert started.poll() is None and time.monotonic() < until_s, log.read_text()
            time.sleep(0.2)
        yield environment
    finally:
        started.send_signal(signal.SIGINT)
        try:
            started.wait(timeout=30)
        except subprocess.TimeoutExpired:
            started.kill()


def test_the_second_block_makes_a_talking_video(reader: dict[str, str], tmp_path: Path) -> None:
    made = tmp_path / "hello.mp4"
    block = blocks(ROOT / "README.md")[1].replace("-o hello.mp4", f"-o {made}")
    typed = subprocess.run(
        ["sh", "-c", block], cwd=ROOT, env=reader, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert typed.returncode == 0 and not typed.stderr, typed.stderr + typed.stdout
    frames, sound = _decoded(made)
    assert frames[0].shape[0] == 720
    assert 1.5 < len(frames) / 25 < 6 and abs(len(frames) / 25 - len(sound) / RATE) < 0.15
    assert np.sqrt(np.mean(sound**2)) > 0.02, "somebody speaks"
    find_face(frames[len(frames) // 2])  # raises where nobody is there
    moved = max(int(np.abs(frame.astype(np.int16) - frames[0]).max()) for frame in frames[5:])
    assert moved > 40, "somebody moves"


def test_every_page_that_is_linked_to_is_there() -> None:
    for page in [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in target:
                continue
            path, _, anchor = target.partition("#")
            other = (page.parent / path).resolve() if path else page
            assert other.exists(), f"{page.name} links to {target}"
            if anchor:
                assert anchor in _anchors(other.read_text(encoding="utf-8")), f"{page.name} links to {target}"


def _anchors(text: str) -> list[str]:
    """The names that headings get: as GitHub makes them."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        seen = sum(other == name or re.fullmatch(rf"{re.escape(name)}-\d+", other) is not None for other in found)
        found.append(f"{name}-{seen}" if seen else name)
    return found


def _decoded(path: Path) -> tuple[list[NDArray[Any]], NDArray[Any]]:
    with av.open(str(path), format="mp4") as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(str(path), format="mp4") as container:
        pieces = [piece.to_ndarray() for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
    return frames, np.concatenate(pieces, axis=1)[0]
