"""The rules between rooms, held by reading the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("mediapipe", "cv2", "numba", "onnx", "onnxruntime", "torch", "scipy", "av", "hama", "hibari", "PIL", "numpy")
# Put together here, so that this file does not name what it forbids.
FORBIDDEN = (
    "/" + r"work/",
    r"(?:pypi|files\.pythonhosted|registry\.npmjs|deb\.debian|archive\.ubuntu)" + r"\.(?:org|com)",
)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""
            if node.module == "avatarium":
                yield from (f"avatarium.{alias.name}" for alias in node.names)


def _ours(names: Iterator[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] in ("avatarium", "bench", "tools", "tests", "art")}


def test_the_engine_imports_no_other_room() -> None:
    files = sorted((ROOT / "avatarium" / "engine").rglob("*.py"))
    assert len(files) > 50
    for path in files:
        outside = {n for n in _ours(_imports(path)) if not re.match(r"avatarium\.(engine|errors)(\.|$)", n)} - {
            "avatarium"
        }
        assert not outside, f"{path.relative_to(ROOT)} imports {outside}"


ROOMS_BELOW = ("accounts", "storage", "tasks", "families", "catalogue", "migrations", "engine")
ON_TOP = ("api", "cli", "supervisor")
WEB = {"fastapi", "starlette", "uvicorn", "sse_starlette"}


@pytest.mark.parametrize("room", ROOMS_BELOW)
def test_a_room_knows_nothing_of_the_web_nor_of_what_stands_on_top(room: str) -> None:
    files = sorted((ROOT / "avatarium" / room).rglob("*.py"))
    assert files
    for path in files:
        imports = set(_imports(path))
        assert not {name for name in imports if name.split(".")[0] in WEB}, path
        assert not {name for name in imports if name.split(".")[:2] in [["avatarium", top] for top in ON_TOP]}, path


def test_only_the_api_knows_the_web() -> None:
    for path in sorted((ROOT / "avatarium").rglob("*.py")):
        room, *rest = path.relative_to(ROOT / "avatarium").parts
        # The supervisor starts the server of the application that the API made; a stage answers the API alone.
        if room not in ("api", "supervisor"):
            known = {"starlette", "uvicorn"} if (room, rest[:1]) == ("streaming", ["stage"]) else set()
            assert not {name for name in _imports(path) if name.split(".")[0] in WEB - known}, path


def test_money_and_keys_do_not_know_what_they_are_for() -> None:
    for path in sorted((ROOT / "avatarium" / "accounts").rglob("*.py")):
        rooms = {name.split(".")[1] for name in _imports(path) if name.startswith("avatarium.")}
        assert not rooms & {"storage", "tasks", "families", "catalogue", "platform"}, path


def test_the_product_imports_neither_tests_nor_tools() -> None:
    for path in sorted((ROOT / "avatarium").rglob("*.py")):
        assert not {n for n in _ours(_imports(path)) if not n.startswith("avatarium")}, path


@pytest.mark.parametrize(
    "module", ["avatarium", "avatarium.errors", "avatarium.engine", "avatarium.cli", "avatarium.cli.app"]
)
def test_importing_is_light(module: str) -> None:
    code = f"import sys, {module}; print(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert not set(found.stdout.split()) & set(HEAVY)


def test_every_public_name_of_the_engine_is_there() -> None:
    import avatarium.engine as engine

    for name in engine.__all__:
        assert getattr(engine, name) is not None
    with pytest.raises(AttributeError):
        _ = engine.nonsense


def _committed() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_file_names_a_machine_or_a_registry() -> None:
    pattern = re.compile("|".join(FORBIDDEN))
    for path in _committed():
        if path.is_file() and path.suffix not in (
            ".npz",
            ".png",
            ".jpg",
            ".mp4",
            ".webm",
            ".gif",
            ".ttf",
            ".woff2",
            ".mp3",
        ):
            found = pattern.search(path.read_text(encoding="utf-8"))
            assert not found, f"{path.relative_to(ROOT)} names {found and found.group()}"


def test_no_two_files_of_tests_share_a_name() -> None:
    """Tests have no packages, so the second of two would not be run, and the whole run would fail for it."""
    names = Counter(path.name for path in _committed() if path.name.startswith("test_") and path.suffix == ".py")
    assert not [name for name, count in names.items() if count > 1]


def test_no_module_outgrows_one_idea() -> None:
    for path in sorted((ROOT / "avatarium").rglob("*.py")):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 450, path
