"""Every reason with which a call is refused or a task fails, read out of the source: for the documentation alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from avatarium import errors
from avatarium.errors import InputError, OptionError, OutputError, ServiceError

PACKAGE = Path(errors.__file__).parent
NO_CALLS = ("cli", "supervisor", "migrations")
"""Rooms that no call and no task goes through."""
CHOICES = ("engine/watermark/", "engine/video/canvas.py")
"""Where a choice of a caller comes as far as the engine; elsewhere the API has checked it before."""
INSIDE = ("executor_taken", "last_admin", "unknown_step")
"""What only commands and workers tell each other."""
LIMITERS = ("take", "_take")
GAP = "…"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Reason:
    """One case."""

    status: int
    """0 for what is only the ``failed_code`` of a task."""
    code: str
    number: int = 0
    sentence: str = ""


def reasons() -> list[Reason]:
    """All of them, each once for every status, by status and name."""
    found: dict[tuple[int, str], Reason] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        if place.split("/")[0] not in NO_CALLS:
            for reason in _Source(path, place).reasons():
                known = found.setdefault((reason.status, reason.code), reason)
                if not known.sentence:
                    found[reason.status, reason.code] = reason
    return sorted(found.values())


class _Source:
    """One module."""

    def __init__(self, path: Path, place: str) -> None:
        self._tree = ast.parse(path.read_text(encoding="utf-8"))
        self._place = place
        self._names: dict[str, ast.expr] = {}
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._names.setdefault(node.targets[0].id, node.value)

    def reasons(self) -> Iterator[Reason]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call):
                yield from self._of_call(node)
            elif isinstance(node, ast.Dict):
                yield from self._of_failure(node)

    def _of_call(self, call: ast.Call) -> Iterator[Reason]:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        given = {word.arg: word.value for word in call.keywords}
        if name == "failure" and len(call.args) >= 3 and isinstance(call.args[0], ast.Constant):
            yield from self._reason(int(str(call.args[0].value)), call.args[1], call.args[2])
        elif "failed_code" in given and "failed_message" in given:
            yield from self._reason(0, given["failed_code"], given["failed_message"])
        elif "code" not in given:
            return
        elif name in LIMITERS and "message" in given:
            yield from self._reason(errors.BusyError.status, given["code"], given["message"])
        elif name == "StepFailed" and "message" in given:
            yield from self._reason(0, given["code"], given["message"])
        elif call.args and (status := self._status(getattr(errors, name, None))) is not None:
            yield from self._reason(status, given["code"], call.args[0], given.get("number"))

    def _of_failure(self, node: ast.Dict) -> Iterator[Reason]:
        pairs = zip(node.keys, node.values, strict=True)
        parts = {key.value: value for key, value in pairs if isinstance(key, ast.Constant)}
        if {"code", "message", "again"} <= set(parts):
            yield from self._reason(0, parts["code"], parts["message"])

    def _status(self, kind: object) -> int | None:
        if not isinstance(kind, type):
            return None
        if issubclass(kind, ServiceError):
            return kind.status
        if issubclass(kind, OptionError):
            return 0 if self._place.startswith(CHOICES) else None
        return 0 if issubclass(kind, InputError | OutputError) and not self._is_a_setting() else None

    def _is_a_setting(self) -> bool:
        return "/" not in self._place

    def _reason(
        self, status: int, code: ast.expr, message: ast.expr, number: ast.expr | None = None
    ) -> Iterator[Reason]:
        name = self._constant(code)
        if isinstance(name, str) and name and name not in INSIDE:
            own = self._constant(number) if number is not None else status
            assert isinstance(own, int)
            yield Reason(status=status, code=name, number=own, sentence=self._sentence(message))

    def _constant(self, node: ast.expr) -> object:
        if isinstance(node, ast.Name):
            node = self._names.get(node.id, node)
        return node.value if isinstance(node, ast.Constant) else None

    def _sentence(self, node: ast.expr) -> str:
        """The words of a message, with a gap for each value; empty where they are made elsewhere."""
        if isinstance(node, ast.Name):
            node = self._names.get(node.id, node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return re.sub(r"\{\w+\}", GAP, node.value)
        if isinstance(node, ast.JoinedStr):
            return re.sub(r"\{\w+\}", GAP, "".join(self._part(part) for part in node.values))
        return ""

    def _part(self, part: ast.expr) -> str:
        known = self._constant(part.value if isinstance(part, ast.FormattedValue) else part)
        return known if isinstance(known, str) else GAP
