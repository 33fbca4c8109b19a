"""The commands and the help of the program as a whole. Nothing heavy is imported before a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from avatarium import __version__
from avatarium.cli import (
    assets,
    backup,
    coins,
    doctor,
    dub,
    marks,
    migrate,
    rooms,
    serve,
    settings_page,
    speak,
    stage,
    tokens,
    transcribe,
    users,
    voices,
)

app = typer.Typer(
    name="avatarium",
    help="Make a photo speak: a picture and a sentence become a talking video, on this computer or as a service.",
    no_args_is_help=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
app.command("speak")(speak.speak)
app.command("dub")(dub.dub)
app.command("voices")(voices.voices)
app.command("transcribe")(transcribe.transcribe)
app.command("marks")(marks.marks)
app.add_typer(assets.app, name="assets")
app.command("doctor")(doctor.doctor)
app.command("serve")(serve.serve)
app.command("api")(serve.api)
app.command("worker")(serve.worker)
app.command("stage")(stage.stage)
app.add_typer(users.app, name="user")
app.add_typer(tokens.app, name="token")
app.add_typer(coins.app, name="coins")
app.add_typer(rooms.app, name="rooms")
app.command("reconcile")(coins.reconcile)
app.command("settings")(settings_page.settings)
app.command("migrate")(migrate.migrate)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"avatarium {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of bugs (may stand anywhere).")] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
