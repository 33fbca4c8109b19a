"""What makes the ledger append-only: the database itself refuses to change or remove an entry.

``metadata.create_all`` installs it; migrations run the same text (:data:`INSTALL`, :data:`REMOVE`, by dialect, each
statement on its own).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import DDL, event

REFUSAL = "the ledger is append-only"

INSTALL: dict[str, tuple[str, ...]] = {
    "sqlite": tuple(
        f"CREATE TRIGGER ledger_no_{verb.lower()} BEFORE {verb} ON ledger BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger "
        "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()",
        "CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()",
    ),
}
"""To run after the table was made."""

REMOVE: dict[str, tuple[str, ...]] = {
    "sqlite": (),
    "postgresql": ("DROP FUNCTION IF EXISTS ledger_refuse()",),
}
"""To run after the table was dropped, which takes the triggers along."""


def install_triggers(table: sa.Table) -> None:
    """Let the triggers come and go with the table."""
    for name, statements in (("after_create", INSTALL), ("after_drop", REMOVE)):
        for dialect, texts in statements.items():
            for text in texts:
                statement: Any = DDL(text)  # type: ignore[no-untyped-call]
                event.listen(table, name, statement.execute_if(dialect=dialect))
