"""``avatarium coins`` and ``avatarium reconcile``: money."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer

from avatarium.cli.installation import day, opened
from avatarium.cli.tables import print_table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from avatarium.accounts.reconcile import Mismatch

BATCH = 500
SETTLE_S = 1.0
app = typer.Typer(help="Give coins, and see what became of them.", no_args_is_help=True)

User = Annotated[str | None, typer.Option(metavar="NAME", help="Whose; the admin unless given.")]


@app.command()
def grant(
    amount: Annotated[int, typer.Argument(metavar="N", min=1)],
    user: User = None,
    diamonds: Annotated[bool, typer.Option("--diamonds", help="Diamonds, worth 100 coins each.")] = False,
    note: Annotated[str, typer.Option(metavar="TEXT", help="Stands in the user's history.")] = "",
    key: Annotated[
        str, typer.Option(metavar="TEXT", help="A second grant with the same key does nothing: for scripts.")
    ] = "",
) -> None:
    """Give coins to a user."""
    from avatarium.accounts import ledger
    from avatarium.ids import new_id
    from avatarium.prices import Unit

    unit = Unit.DIAMOND if diamonds else Unit.COIN
    with opened() as here:
        owner = here.user(user)
        with here.database.write() as c:
            now_ms = here.clock.now_ms()
            given = ledger.grant(c, owner.id, amount, key=key or new_id(), note=note, now_ms=now_ms, unit=unit)
        after = here.accounts.user(owner.id)
    print(f"{owner.name} {'got' if given else 'had got already'} {amount} {unit}{'s' * (amount != 1)}")
    print(f"balance: {after.coins} coins, {after.diamonds} diamonds")


@app.command()
def show(user: User = None) -> None:
    """Show a balance."""
    with opened() as here:
        owner = here.user(user)
    print(f"{owner.name}: {owner.coins} coins, {owner.diamonds} diamonds")


@app.command()
def history(
    user: User = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="How many, newest first.")] = 20,
) -> None:
    """Show what moved a user's coins."""
    from avatarium.accounts import ledger

    with opened() as here, here.database.read() as c:
        entries, total = ledger.history(c, here.user(user).id, limit=limit)
    print_table(
        ("when", "amount", "unit", "kind", "for", "note"),
        (
            (
                day(entry.created_ms),
                f"{entry.delta:+d}",
                entry.unit,
                entry.kind,
                entry.subject or "-",
                entry.note or "-",
            )
            for entry in entries
        ),
        right=("amount",),
    )
    print(f"{len(entries)} of {total}")


def reconcile() -> None:
    """Prove that balances are the sums of their entries and nothing is held for what is over; else leave with 1."""
    from avatarium.accounts.reconcile import open_holds
    from avatarium.accounts.reconcile import reconcile as look

    with opened() as here:

        def found() -> list[Mismatch]:
            with here.database.read() as c:
                return look(c, over=lambda subjects: _over(c, subjects))

        wrong = found()
        if wrong:
            # A task that ends while we look closes its hold a moment after we saw it open.
            time.sleep(SETTLE_S)
            again = found()
            wrong = [mismatch for mismatch in wrong if mismatch in again]
        with here.database.read() as c:
            held = len(open_holds(c))
        users = here.accounts.list_users(limit=1)[1]
    for mismatch in wrong:
        print(mismatch.sentence)
    if wrong:
        raise typer.Exit(1)
    print(f"The books are right: {users} user{'s' * (users != 1)}, {held} open hold{'s' * (held != 1)}.")


def _over(c: Connection, subjects: Collection[str]) -> set[str]:
    """Those of these attempts of tasks that have ended, or whose task has gone on to another attempt or is gone."""
    import sqlalchemy as sa

    from avatarium.tasks.models import tasks
    from avatarium.tasks.states import State

    attempts = {subject for subject in subjects if "." in subject}
    ids = sorted({subject.partition(".")[0] for subject in attempts})
    live: set[str] = set()
    for start in range(0, len(ids), BATCH):
        chosen = tasks.c.id.in_(ids[start : start + BATCH])
        query = sa.select(tasks.c.id, tasks.c.attempt, tasks.c.state).where(chosen)
        live |= {f"{row.id}.{row.attempt}" for row in c.execute(query) if not State(row.state).is_final}
    return attempts - live
