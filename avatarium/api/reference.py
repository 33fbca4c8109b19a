"""The parts of ``docs/api.md`` that are made out of the application itself; what stands around them is written by hand.

    python -m avatarium.api.reference docs/api.md

renews what stands between ``<!-- made: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI

from avatarium.api.app import create_app
from avatarium.api.families import EXAMPLE_ID
from avatarium.api.groups import GROUPS
from avatarium.api.openapi import SCHEME
from avatarium.api.reasons import Reason, reasons
from avatarium.api.routing import Route
from avatarium.platform import Platform
from avatarium.prices import PRICE_LIST
from avatarium.settings import load_settings

EVERYWHERE = ("400", "401", "403", "413", "429", "500", "503")
"""Errors that any call may answer with."""
RECORD_FIELDS = 6
"""An object of more fields than this is shown whole only once in a group."""
SENTENCES = {
    "clip_unfit": "What of the video is not good enough for an avatar, then what to do about it.",
    "bad_url": "What is wrong with the address, then what is wanted.",
    "invalid_request": "What is wrong with the first field; `detail` lists every one.",
}
_PLAIN_LIST = re.compile(r"\[[^\[\]{}]*\]")
_MADE = re.compile(r"(<!-- made: (?P<name>\w+) -->\n).*?(?=<!-- end -->)", re.DOTALL)


@contextmanager
def application() -> Iterator[FastAPI]:
    """The application of an installation that nobody has changed, and that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        platform = Platform.open(load_settings(home=folder, database_url="", storage_url="", plugins=[]))
        try:
            yield create_app(platform)
        finally:
            platform.close()


def renewed(text: str, app: FastAPI) -> str:
    """A text with its made parts as they are now."""
    made: dict[str, Callable[[], str]] = {
        "calls": lambda: "\n".join(_group(app, name) for name in GROUPS if _calls(app, name)),
        "prices": _prices,
        "errors": lambda: _errors(found for found in reasons() if found.status),
        "failures": lambda: _failures(found for found in reasons() if not found.status),
    }
    return _MADE.sub(lambda part: f"{part[1]}\n{made[part['name']]()}\n", text)


# Calls


def _calls(app: FastAPI, group: str) -> list[list[Route]]:
    """The routes of a group; those that one function serves together, the one to use first."""
    found: dict[object, list[Route]] = {}
    for route in app.routes:
        if isinstance(route, Route) and route.include_in_schema and group in route.tags:
            found.setdefault(inspect.unwrap(route.endpoint), []).append(route)
    return [sorted(routes, key=lambda route: bool(route.deprecated)) for routes in found.values()]


def _group(app: FastAPI, name: str) -> str:
    document, shown = app.openapi(), set[frozenset[str]]()
    parts = [_Call(document, routes, shown).text() for routes in _calls(app, name)]
    return "\n".join([f"## {name}", "", GROUPS[name], "", *parts])


def _name(route: Route) -> str:
    return f"{''.join(route.methods or ())} {route.path_format}"


class _Call:
    """One function of the API, under all its addresses."""

    def __init__(self, document: Mapping[str, Any], routes: list[Route], shown: set[frozenset[str]]) -> None:
        self._document = document
        self._routes = routes
        self._method, self._path = _name(routes[0]).split(" ")
        self._operation: dict[str, Any] = document["paths"][self._path][self._method.lower()]
        self._shown = shown

    def text(self) -> str:
        parts = [f"### {self._method} {self._path}", "", self._words(), "", *self._fields(), *self._example()]
        return "\n".join([*parts, *self._answer(), self._needs(), ""])

    def _words(self) -> str:
        title = f"**{self._operation['summary']}.** {self._operation['description']}"
        others = [f"`{_name(route)}`{' (old)' if route.deprecated else ''}" for route in self._routes[1:]]
        return title + (f"\n\nThe same: {', '.join(others)}." if others else "")

    def _fields(self) -> list[str]:
        rows = sorted([*self._parameters(), *self._body()], key=lambda row: row.startswith("| `webhook_"))
        return ["| field | | |", "|---|---|---|", *rows, ""] if rows else []

    def _parameters(self) -> Iterator[str]:
        for parameter in self._operation.get("parameters", ()):
            if parameter["in"] == "query":
                yield _row(parameter["name"], self._whole(parameter["schema"]), parameter["required"], parameter)

    def _body(self) -> Iterator[str]:
        contents = self._operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        model = self._whole(contents.get("schema", {}))
        for name, schema in model.get("properties", {}).items():
            yield _row(name, self._whole(schema), name in model.get("required", ()), schema)

    def _whole(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """A schema with what it refers to; of "this or null" this."""
        if "$ref" in schema:
            return self._whole(self._document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]])
        choices = [self._whole(choice) for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
        return {**choices[0], **schema} if len(choices) == 1 else schema

    def _example(self) -> list[str]:
        body = self._operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        path = re.sub(r"\{\w+\}", self._example_id(), self._path)
        words = ["curl -N" if self._routes[0].stream else "curl"]
        words += [f"-X {self._method}"] if (self._method, body is None) not in (("GET", True), ("POST", False)) else []
        words.append(f'"$URL{path}{self._query()}"')
        lines = [" ".join(words)]
        if self._operation.get("security") != []:
            lines.append('-H "Authorization: Bearer $KEY"')
        if body is not None:
            lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(body, ensure_ascii=False)}'"]
        return ["```sh", " \\\n    ".join(lines), "```", ""]

    def _query(self) -> str:
        given = {part["name"]: part["example"] for part in self._operation.get("parameters", ()) if "example" in part}
        return f"?{urlencode({name: _plain(value) for name, value in given.items()})}" if given else ""

    def _example_id(self) -> str:
        data = self._data()
        return str(data["_id"]) if isinstance(data, dict) and "_id" in data else EXAMPLE_ID

    def _data(self) -> Any:
        contents = self._operation["responses"]["200"]["content"]
        return contents["application/json"]["example"]["data"] if "application/json" in contents else None

    def _answer(self) -> list[str]:
        if self._routes[0].stream:
            return ["```text", self._routes[0].stream.rstrip(), "```", ""]
        return ["```json", _pretty(self._shortened(self._data())), "```", ""]

    def _shortened(self, data: Any) -> Any:
        """An answer in which long objects that this group has shown before stand as ``{"...": ...}``."""
        if isinstance(data, list):
            return [self._shortened(part) for part in data]
        if not isinstance(data, dict):
            return data
        fields = frozenset(data)
        if fields in self._shown:
            return {"_id": data["_id"], "...": "as above"} if "_id" in data else {"...": "as above"}
        if len(fields) > RECORD_FIELDS:
            self._shown.add(fields)
        return {name: self._shortened(value) for name, value in data.items()}

    def _needs(self) -> str:
        security = self._operation.get("security", [{}])
        scopes = [scope for part in security for scope in part.get(SCHEME, ())]
        own = [status for status in self._operation["responses"] if status not in ("200", *EVERYWHERE)]
        keyed = any(part["name"] == "Idempotency-Key" for part in self._operation.get("parameters", ()))
        parts = [
            "No key" if not security else f"Scope: {', '.join(scopes) or 'any'}",
            "`Idempotency-Key`" if keyed else "",
            f"Errors: {', '.join(own)}" if own else "",
        ]
        return ". ".join(part for part in parts if part) + "."


def _row(name: str, schema: Mapping[str, Any], required: bool, words: Mapping[str, Any]) -> str:
    description = str(words.get("description") or schema.get("description") or "").replace("|", "/")
    return f"| `{name}` | {_kind(schema)}{_limits(schema)}{_default(schema, required)} | {description} |"


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"] if value != "")
    kind = str(schema.get("type", "value"))
    if kind == "array":
        return "list"
    return {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false"}.get(kind, kind)


def _limits(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f", {low:g} to {high:g}" if high < 10**6 else f" from {low:g} on" if low > -(10**6) else ""
    return ""


def _default(schema: Mapping[str, Any], required: bool) -> str:
    default = schema.get("default")
    if required:
        return ", **required**"
    return "" if default in (None, "", [], {}) or default is False else f", default `{_plain(default)}`"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _pretty(data: Any) -> str:
    """JSON in which lists of plain values stand in one line."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return _PLAIN_LIST.sub(lambda found: re.sub(r"\s+", " ", found[0]).replace("[ ", "[").replace(" ]", "]"), text)


# Tables


def _prices() -> str:
    rows = [f"| `{name}` | {item.amount:g} {item.unit} | {item.per} |" for name, item in PRICE_LIST.items()]
    return "\n".join(["| item | price | buys |", "|---|---|---|", *rows, ""])


def _errors(found: Iterable[Reason]) -> str:
    rows = [f"| {of.status} | {of.number} | `{of.code}` | {_sentence(of)} |" for of in found]
    return "\n".join(["| status | `code` | `reason` | `message` |", "|---|---|---|---|", *rows, ""])


def _failures(found: Iterable[Reason]) -> str:
    rows = [f"| `{of.code}` | {_sentence(of)} |" for of in found]
    return "\n".join(["| `failed_code` | `failed_message` |", "|---|---|", *rows, ""])


def _sentence(reason: Reason) -> str:
    return (reason.sentence or SENTENCES.get(reason.code, "")).replace("|", "\\|").replace("*", "\\*")


def main(path: Path) -> None:
    """Renew a file."""
    with application() as app:
        path.write_text(renewed(path.read_text(encoding="utf-8"), app), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
