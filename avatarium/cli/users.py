"""``avatarium user``: who may use the service."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from avatarium.cli.installation import day, opened
from avatarium.cli.tables import print_table

app = typer.Typer(help="Add, list and disable users, and set their passwords.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.command()
def add(
    name: Name,
    admin: Annotated[bool, typer.Option("--admin", help="May do everything, such as adding users.")] = False,
    coins: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Coins to start with, in place of the setting.")
    ] = None,
    password: Annotated[
        bool, typer.Option("--password", help="Ask for a password to log in with; keys work without.")
    ] = False,
) -> None:
    """Add a user. `avatarium token create --user NAME` makes a key."""
    from avatarium.accounts.models import Role

    secret = _password() if password else None
    with opened() as here:
        role = Role.ADMIN if admin else Role.USER
        user = here.accounts.add_user(name, role=role, password=secret, coins=coins)
    print(f"added {user.name} ({user.role}) with {user.coins} coins")
    print(user.id)


@app.command("list")
def list_users() -> None:
    """Show all users."""
    with opened() as here:
        users, _ = here.accounts.list_users()
    print_table(
        ("name", "role", "coins", "diamonds", "since", "state", "id"),
        (
            (u.name, u.role, u.coins, u.diamonds, day(u.created_ms), "disabled" if u.disabled_ms else "active", u.id)
            for u in users
        ),
        right=("coins", "diamonds"),
    )


@app.command()
def disable(name: Name) -> None:
    """Shut a user out, with every key and token; tasks that run go on."""
    with opened() as here:
        here.accounts.disable_user(here.user(name).id)
    print(f"{name} is shut out; running servers notice within seconds")


@app.command()
def enable(name: Name) -> None:
    """Let a user in again."""
    with opened() as here:
        here.accounts.enable_user(here.user(name).id)
    print(f"{name} may come in again")


@app.command()
def password(
    name: Name,
    remove: Annotated[bool, typer.Option("--remove", help="Take it away: only keys open the door then.")] = False,
) -> None:
    """Set a password; it is asked for, or read from standard input. Log-ins made before end."""
    secret = None if remove else _password()
    with opened() as here:
        here.accounts.set_password(here.user(name).id, secret)
    print(f"{name} has {'no password any more' if remove else 'a new password'}")


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
