"""``voices``, ``assets``, ``marks`` and ``doctor`` on what needs no network."""

from __future__ import annotations

import json
from pathlib import Path
from unittest import mock

import pytest

from avatarium.cli import doctor
from avatarium.engine.face import ARKIT, Emotion, Shot
from avatarium.engine.selftest import SelfTest
from avatarium.engine.video import FRAME_RATES, Fit
from avatarium.errors import FaceError
from tests.unit.cli.conftest import Cli


def test_the_help_of_speak_names_every_choice(cli: Cli) -> None:
    told = " ".join(cli("speak", "--help").out.split())
    for kind in (Emotion, Shot, Fit):
        assert all(str(member.value) in told for member in kind)
    assert all(str(fps) in told for fps in FRAME_RATES)


def test_voices_as_json(cli: Cli) -> None:
    listed = json.loads(cli("voices", "--json").out)
    assert {"female", "male"} == {voice["gender"] for voice in listed if voice["live"]}
    american = json.loads(cli("voices", "--json", "--language", "en_us").out)
    assert 0 < len(american) < len(listed) and {voice["languages"][0] for voice in american} == {"en-US"}


def test_voices_as_table(cli: Cli) -> None:
    assert "hibari-noah" in cli("voices").out
    left = cli("voices", "--language", "xx")
    assert left.code == 2 and "xx" in left.err


def test_assets_are_listed_with_their_state(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATARIUM_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    lines = cli("assets", "list").out.splitlines()
    kokoro = next(line for line in lines if line.startswith("kokoro "))
    assert "missing" in kokoro and "Apache-2.0" in kokoro
    assert "ready" in next(line for line in lines if line.startswith("face-mesh"))
    assert str(tmp_path) in lines[-1]


def test_verify_finds_damage(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATARIUM_HOME", str(tmp_path))
    assert cli("assets", "fetch", "hibari").code == 0
    assert cli("assets", "verify", "hibari", "face-mesh").code == 0
    installed = next((tmp_path / "models" / "hibari").glob("*.onnx"))
    data = bytearray(installed.read_bytes())
    data[len(data) // 2] ^= 0xFF
    installed.write_bytes(data)
    left = cli("assets", "verify")
    assert left.code == 1
    assert "corrupt  hibari" in left.out and "avatarium assets fetch hibari" in left.out


def test_a_missing_asset_fails_only_when_it_is_named(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATARIUM_HOME", str(tmp_path))
    assert cli("assets", "verify", "kokoro").code == 1
    assert cli("assets", "verify").code == 0


def test_marks_of_a_text(cli: Cli, tmp_path: Path) -> None:
    marks = json.loads(cli("marks", "--text", "Bob met Pam.", "--voice", "hibari-ava").out)
    assert [word["text"] for word in marks["words"]] == ["Bob", "met", "Pam."]
    assert {"b", "m", "p"} <= {phoneme["ipa"] for phoneme in marks["phonemes"]}
    times = [time for viseme in marks["visemes"] for time in (viseme["start_s"], viseme["end_s"])]
    assert times == sorted(times) and times[-1] <= marks["duration_s"]


def test_arkit_marks_into_a_file(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "curves.json"
    left = cli("marks", "--text", "Bob met Pam.", "--voice", "hibari-ava", "--format", "arkit", "--out", str(out))
    assert (left.code, left.out) == (0, f"{out}\n")
    curves = json.loads(out.read_text())
    assert curves["names"] == list(ARKIT)
    assert max(row[ARKIT.index("jawOpen")] for row in curves["frames"]) > 0.1
    assert [path.name for path in tmp_path.iterdir()] == ["curves.json"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--out", "no/such/folder.json"], 7), (["--format", "xml"], 2), (["--fps", "0"], 2), (["--emotion", "joy"], 2)],
)
def test_marks_refused(cli: Cli, arguments: list[str], code: int) -> None:
    left = cli("marks", "--text", "Bob.", "--voice", "hibari-ava", *arguments)
    assert left.code == code and left.err.startswith("error: ") and not left.out


FAST = SelfTest(voice="hibari-ava", frames=50, render_ms=9.5, speech_cpu=0.02, real_time_factor=0.6)


def test_doctor_on_a_good_machine(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with mock.patch("avatarium.engine.selftest.run_self_test", return_value=FAST):
        left = cli("doctor")
        told = json.loads(cli("doctor", "--json").out)
    assert left.code == 0 and left.out.rstrip().endswith("speak works here.")
    assert "9.5 ms" in left.out and "faster than playback" in left.out and "mediapipe 0.10" in left.out
    assert told["well"] and told["speed"]["render_ms"] == 9.5
    assert all(finding["engine"] for finding in told["findings"])


def test_doctor_where_nothing_is_fetched_and_speaking_fails(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVATARIUM_HOME", str(tmp_path / "not yet"))
    trouble = FaceError("No face.", code="no_face")
    with mock.patch("avatarium.engine.selftest.run_self_test", side_effect=trouble):
        left = cli("doctor")
    assert left.code == 1
    assert "avatarium assets fetch kokoro" in left.out and left.out.rstrip().endswith(
        "speak cannot work here: No face."
    )


def test_the_processor_is_named(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Good CPU @ 2 GHz\n")
    assert doctor._processor(cpuinfo) == "Good CPU @ 2 GHz"
    assert doctor._processor(tmp_path / "none")
