"""What a media process says reaches the log of its worker, without the chatter of its libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

from avatarium.chatter import is_chatter
from avatarium.tasks.slot import _pass_on

SAID = (
    'INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\\n'
    'W0000 00:00:1795349656.13 31139 inference_feedback_manager.cc:114] Feedback manager\\n'
    '{\\"event\\": \\"step_bug\\"}\\nTraceback (most recent call last):\\nWARNINGS are words too\\n'
)  # fmt: skip


def test_chatter_is_dropped_and_everything_else_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    code = f"import sys; sys.stderr.write('{SAID}')"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        _pass_on(process)
    said = capsys.readouterr().err.splitlines()
    assert said == ['{"event": "step_bug"}', "Traceback (most recent call last):", "WARNINGS are words too"]


@pytest.mark.parametrize(
    ("line", "chatter"),
    [(b"INFO: x", True), (b"E0000 00:00 x", False), (b"I0000 00:00 x", True), (b"Info: x", False), (b"", False)],
)
def test_errors_of_libraries_are_no_chatter(line: bytes, chatter: bool) -> None:
    assert is_chatter(line) is chatter
