"""``avatarium settings``: every setting, its value here, and the page that documents them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avatarium.cli.tables import print_table

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_GROUP = re.compile(r"^    # (?P<group>[A-Z].*)$|^    (?P<field>[a-z_0-9]+): ", re.MULTILINE)
HEAD = """# Settings

Made by `avatarium settings --markdown` from `avatarium/settings.py`.

A setting is read from the environment, as `AVATARIUM_PORT=8000`, else from the file `config.toml` in the data folder,
as `port = 8000`. Lists and tables are JSON in the environment, as `AVATARIUM_CORS_ORIGINS='["https://example.com"]'`,
and TOML in the file. Units stand in the names: `_s` seconds, `_bytes`, `_mb`. `avatarium settings` shows what is in
force; a change needs a restart.
"""


def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/settings.md.")] = False,
) -> None:
    """Show every setting that is in force; secrets are not shown."""
    print(page(), end="") if markdown else _print_values()


def page() -> str:
    """``docs/settings.md``."""
    from avatarium.settings import Settings

    parts = [HEAD]
    for group, names in groups().items():
        parts.append(f"\n## {group}\n\n| setting | default | |\n|---|---|---|\n")
        for name in names:
            field = Settings.model_fields[name]
            default = _default(name, field)
            parts.append(
                f"| `AVATARIUM_{name.upper()}` | {default} | {(field.description or '').replace('|', '/')} |\n"
            )
    return "".join(parts)


def groups() -> dict[str, list[str]]:
    """The names of the settings under the headings of the source."""
    from avatarium import settings as module

    found: dict[str, list[str]] = {}
    names = module.Settings.model_fields
    group = ""
    for match in _GROUP.finditer(Path(str(module.__file__)).read_text(encoding="utf-8")):
        if match["group"]:
            group = match["group"]
        elif match["field"] in names:
            found.setdefault(group, []).append(match["field"])
    return found


def _default(name: str, field: FieldInfo) -> str:
    if name == "home":
        return "`~/.local/share/avatarium`"
    value = field.get_default(call_default_factory=True)
    if hasattr(value, "get_secret_value") or value in ("", [], {}):
        return "empty"
    return f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    if hasattr(value, "get_secret_value"):
        return "set" if value.get_secret_value() else ""
    return json.dumps(value) if isinstance(value, list | dict | bool) else str(value)


def _print_values() -> None:
    from avatarium.settings import load_settings

    here = load_settings()
    given = here.model_fields_set
    print_table(
        ("setting", "value", ""),
        (
            (f"AVATARIUM_{name.upper()}", _without_password(_plain(getattr(here, name))), "set" * (name in given))
            for names in groups().values()
            for name in names
        ),
    )


def _without_password(value: str) -> str:
    return re.sub(r"(?<=://)([^/@\s:]*):[^/@\s]*@", r"\1:[hidden]@", value)
