"""``avatarium token``: API keys."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from avatarium.cli.installation import day, opened
from avatarium.cli.tables import print_table
from avatarium.errors import OptionError

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)

UNITS_S = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SPAN = re.compile(r"(\d{1,6})([mhdw])")
User = Annotated[str | None, typer.Option(metavar="NAME", help="Whose; the admin unless given.")]


@app.command()
def create(
    user: User = None,
    alias: Annotated[str, typer.Option(metavar="TEXT", help="A label to know it by.")] = "",
    scopes: Annotated[
        str,
        typer.Option(metavar="LIST", help="read, generate, upload, streaming, account, admin; none is all of them."),
    ] = "",
    expires: Annotated[str, typer.Option(metavar="SPAN", help="How long it opens, such as 12h, 30d or 8w.")] = "",
    origin: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Only web pages from here may use it; may stand repeatedly.")
    ] = None,
) -> None:
    """Make a key; its text is the last line, and is shown this once."""
    seconds = seconds_of(expires) if expires else None
    wanted = [scope for scope in re.split(r"[,\s]+", scopes) if scope]
    with opened() as here:
        owner = here.user(user)
        expires_ms = None if seconds is None else here.clock.now_ms() + seconds * 1000
        key, text = here.accounts.create_key(
            owner.id, alias=alias, scopes=wanted, expires_ms=expires_ms, origins=origin or ()
        )
        until = f", good until {day(key.expires_ms)} UTC" if key.expires_ms else ""
        print(f"A key of {owner.name}{until}. It is shown this once; `token list` knows it as {key.id}.")
        print(_where(here.settings.home))
    print(text)


@app.command("list")
def list_keys(user: User = None) -> None:
    """Show the keys of a user; their texts are kept nowhere."""
    with opened() as here:
        keys = here.accounts.list_keys(here.user(user).id)
    print_table(
        ("id", "begins with", "label", "scopes", "made", "expires", "used", "origins"),
        (
            (
                *(key.id, key.prefix, key.alias or "-", " ".join(sorted(key.scopes)) or "all"),
                *(day(key.created_ms), day(key.expires_ms), day(key.used_ms), " ".join(key.origins) or "any"),
            )
            for key in keys
        ),
    )


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.")], user: User = None
) -> None:
    """End a key, and what was made with it; running servers notice within seconds."""
    with opened() as here:
        here.accounts.revoke_key(here.user(user).id, key)
    print(f"{key} opens nothing any more")


def seconds_of(span: str) -> int:
    """``30d`` in seconds.

    Raises:
        OptionError: it is no span.
    """
    found = _SPAN.fullmatch(span.strip().lower())
    if not found:
        raise OptionError(f"{span!r} is no span of time. Write it as 90m, 12h, 30d or 8w.", code="bad_span")
    return int(found[1]) * UNITS_S[found[2]]


def _where(home: object) -> str:
    from pathlib import Path

    from avatarium.supervisor.home import address_of

    address = address_of(Path(str(home)))
    return f"The service answers at {address}." if address else "The service does not run here now."
