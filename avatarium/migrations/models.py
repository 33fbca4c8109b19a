"""Thetable in which an installation keeps what it knows about its own database."""

from__future__ import annotations

importimportlib

importsqlalchemy as sa

fromavatarium.database import metadata

ROOMS= ("accounts", "catalogue", "storage", "tasks")

installation= sa.Table(
   "installation",
   metadata,
   sa.Column("name", sa.String(64), primary_key=True),
   sa.Column("value", sa.String(256), nullable=False),
)


defimport_models() -> sa.MetaData:
   """Every table of every room."""
   for room in ROOMS:
       importlib.import_module(f"avatarium.{room}.models")
   return metadata
