"""The table in which an installation keeps what it knows about its own database."""

from __future__ import annotations

import importlib

import sqlalchemy as sa

from avatarium.database import metadata

ROOMS = ("accounts", "catalogue", "storage", "streaming", "tasks")

installation = sa.Table(
    "installation",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.String(256), nullable=False),
)


def import_models() -> sa.MetaData:
    """Every table of every room."""
    for room in ROOMS:
        importlib.import_module(f"avatarium.{room}.models")
    return metadata
