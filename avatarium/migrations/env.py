"""What Alembic runs to migrate: over the one connection that it is given."""

from __future__ import annotations

from alembic import context

from avatarium.migrations.models import import_models
from avatarium.migrations.scope import OPTIONS

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=import_models(),
    **OPTIONS,
)
context.run_migrations()
