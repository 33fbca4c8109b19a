"""The tables of the database, and how those of an older version become those of this one.

A new migration is made with ``avatarium migrate --make "what changes"`` after a change to a ``models.py`` and is read
before it is committed: it sees neither changed CHECK constraints nor triggers. Its number follows the last one's.
"""

from avatarium.migrations.runner import upgrade
from avatarium.migrations.state import SchemaState, head, is_current, state_of

__all__ = ["SchemaState", "head", "is_current", "state_of", "upgrade"]
