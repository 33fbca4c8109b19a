"""``./run`` and its environment, with a false uv that is quick and writes down what it is asked."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DEADLINE_S = 60

FALSE_UV = """#!/usr/bin/env bash
echo "$1 $2 $*" >> LOG
if [ "$1" = venv ]; then
    for folder; do :; done
    mkdir -p "$folder/bin"
    echo false > "$folder/pyvenv.cfg"
    printf '#!/bin/sh\\nexec PYTHON "$@"\\n' > "$folder/bin/python"
    chmod +x "$folder/bin/python"
elif [ -e SLOW ]; then
    sleep 1
elif [ -e BROKEN ]; then
    echo "error: no route to the index" >&2
    exit 2
fi
"""
PRINTING = "import os, sys; print(os.getcwd(), *sys.argv[1:], sep='|')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A copy of the scripts with a package that prints its folder and arguments."""

    folder: Path
    programs: Path

    @property
    def log(self) -> list[str]:
        """What the false uv was asked, two words each."""
        path = self.programs / "log"
        return [" ".join(line.split()[:2]) for line in path.read_text().splitlines()] if path.exists() else []

    def start(
        self, *arguments: str, cwd: Path, script: Path | None = None, **environment: str
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(script or self.folder / "run"), *arguments],
            cwd=cwd,
            env=self.environment() | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AVATARIUM", "PYTHON", "VIRTUAL_ENV"))}
        return {**kept, "PATH": f"{self.programs}:{Path(sys.executable).parent}:/usr/bin:/bin"}

    def run(self, *arguments: str, cwd: Path, script: Path | None = None, **environment: str) -> tuple[int, str, str]:
        process = self.start(*arguments, cwd=cwd, script=script, **environment)
        out, err = process.communicate(timeout=DEADLINE_S)
        return process.returncode, out, err


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder, programs = tmp_path / "check out", tmp_path / "programs"
    for part in (folder / "avatarium", folder / "requirements", programs):
        part.mkdir(parents=True)
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    shutil.copy(ROOT / "run", folder / "run")
    (folder / "avatarium" / "__init__.py").touch()
    (folder / "avatarium" / "__main__.py").write_text(PRINTING)
    (folder / "requirements" / "base.txt").write_text("rich==1.0\n")
    (folder / "requirements" / "dev.txt").write_text("pytest==1.0\n")
    replaced = FALSE_UV
    for word, path in (("LOG", "log"), ("SLOW", "slow"), ("BROKEN", "broken")):
        replaced = replaced.replace(word, f"'{programs / path}'")
    uv = programs / "uv"
    uv.write_text(replaced.replace("PYTHON", sys.executable))
    uv.chmod(0o755)
    return Checkout(folder=folder, programs=programs)


SET_UP = ["venv --quiet", "pip install"]


def test_the_first_run_sets_up_and_the_second_does_not(checkout: Checkout, tmp_path: Path) -> None:
    code, out, err = checkout.run("speak", "--text", "two words", cwd=tmp_path)
    assert (code, out) == (0, f"{tmp_path}|speak|--text|two words\n")
    assert err.count("\n") == 1 and "Setting up" in err
    assert checkout.run("x", cwd=tmp_path) == (0, f"{tmp_path}|x\n", "")
    assert checkout.log == SET_UP


def test_it_runs_through_a_link_in_the_users_folder(checkout: Checkout, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    (elsewhere / "avatar").symlink_to(checkout.folder / "run")
    assert checkout.run("a.jpg", cwd=elsewhere, script=elsewhere / "avatar")[1] == f"{elsewhere}|a.jpg\n"


def test_what_lies_in_the_users_folder_is_not_imported(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "os.py").write_text("raise SystemExit('imported')")
    (tmp_path / "avatarium.py").write_text("raise SystemExit('imported')")
    assert checkout.run(cwd=tmp_path)[0] == 0


def test_other_requirements_are_installed_again(checkout: Checkout, tmp_path: Path) -> None:
    checkout.run(cwd=tmp_path)
    (checkout.folder / "requirements" / "base.txt").write_text("rich==2.0\n")
    assert checkout.run(cwd=tmp_path)[0] == 0
    assert checkout.log == [*SET_UP, "pip install"]


def test_a_failed_set_up_is_one_sentence_and_tried_again(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.programs / "broken").touch()
    code, out, err = checkout.run(cwd=tmp_path)
    assert code == 1 and not out
    assert "no route to the index" in err and err.splitlines()[-1].startswith("error: the Python packages could not")
    (checkout.programs / "broken").unlink()
    assert checkout.run(cwd=tmp_path)[0] == 0
    assert checkout.log == SET_UP * 2


def test_an_interrupted_set_up_is_made_anew(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.programs / "slow").touch()
    process = checkout.start(cwd=tmp_path)
    deadline = time.monotonic() + DEADLINE_S
    while "pip install" not in checkout.log:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=DEADLINE_S)
    (checkout.programs / "slow").unlink()
    assert checkout.run(cwd=tmp_path)[0] == 0
    assert checkout.log == SET_UP * 2


def test_two_first_runs_at_once_set_up_once(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.programs / "slow").touch()
    both = [checkout.start(str(i), cwd=tmp_path) for i in range(2)]
    results = [process.communicate(timeout=DEADLINE_S) for process in both]
    assert [p.returncode for p in both] == [0, 0], results
    assert checkout.log == SET_UP


def test_another_folder_for_the_environment(checkout: Checkout, tmp_path: Path) -> None:
    assert checkout.run(cwd=tmp_path, AVATARIUM_VENV="mine/env")[0] == 0
    assert (tmp_path / "mine/env/avatarium-lock").exists() and not (checkout.folder / ".venv").exists()


def test_a_folder_with_other_things_in_it_is_left_alone(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear")
    code, _, err = checkout.run(cwd=tmp_path, AVATARIUM_VENV="letters")
    assert code == 1 and "left alone" in err
    assert (tmp_path / "letters" / "dear.txt").read_text() == "dear"


def test_without_a_python_it_says_what_to_install(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.programs / "uv").unlink()
    code, _, err = checkout.run(cwd=tmp_path, AVATARIUM_PYTHON="python2.0", PATH="/usr/bin:/bin")
    assert code == 1
    assert "Python 3.11 or 3.12 is needed" in err.splitlines()[-1]
