"""``avatarium migrate``: bring an installation up to this version."""

from __future__ import annotations

from typing import Annotated

import typer


def migrate(
    make: Annotated[
        str | None, typer.Option(metavar="NAME", hidden=True, help="Write the migration that the code asks for.")
    ] = None,
) -> None:
    """Bring the database up to this version and store the pictures that ship. `serve` does it by itself."""
    from avatarium import migrations
    from avatarium.clock import Clock
    from avatarium.logs import configure_logging
    from avatarium.settings import load_settings
    from avatarium.supervisor.home import prepare_home
    from avatarium.supervisor.setup import set_up

    settings = load_settings()
    configure_logging(settings)
    if make is not None:
        print(_make(make))
        return
    prepare_home(settings.home)
    done = set_up(settings, Clock())
    print(f"{'migrated to' if done.migrated else 'nothing to do:'} version {migrations.head()}")
    if done.installed:
        print(f"stored {done.installed} pictures")
    if done.key:
        print(f"made the first user, {done.admin}, with this key, which is shown this once:")
        print(done.key)


def _make(name: str) -> str:
    import tempfile

    from avatarium.database import Database
    from avatarium.migrations import runner

    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{folder}/empty.db")
        runner.run(database, "head")
        path = runner.make(database, name)
        database.close()
    return f"{path}: read it before you commit it. It knows neither changed CHECK constraints nor triggers."
