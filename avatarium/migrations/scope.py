"""What Alembic looks at, how it compares, and how it writes our own types down."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.sql.schema import SchemaItem

from avatarium.database import Json, SerialKey

OWN_TYPES = {"Json": Json, "SerialKey": SerialKey}


def is_ours(_item: SchemaItem, _name: str | None, kind: str, reflected: bool, declared: SchemaItem | None) -> bool:
    """Tables in the database that the code does not declare are DBOS's. To drop one of ours is written by hand."""
    return not (kind == "table" and reflected and declared is None)


def render(kind: str, item: Any, context: Any) -> str | Literal[False]:
    """How our types and defaults are written, so that they suit both databases."""
    for name, own in OWN_TYPES.items():
        if kind == "type" and item is own:
            context.imports.add(f"from avatarium.database import {name}")
            return name
    if kind == "server_default" and isinstance(item, sa.DefaultClause) and isinstance(item.arg, sa.False_ | sa.True_):
        return "sa.false()" if isinstance(item.arg, sa.False_) else "sa.true()"
    return False


OPTIONS: dict[str, Any] = {
    "include_object": is_ours,
    "compare_type": True,
    "render_as_batch": True,
    "render_item": render,
}
