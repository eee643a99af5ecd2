"""`foremend replay`: this process becomes the yard's, with its signals and its exit code."""

import os
import sys

import typer

from api.cli._options import tell_the_yard

_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def register(app: typer.Typer) -> None:
    @app.command("replay", context_settings=_THROUGH)
    def command(context: typer.Context) -> None:
        """Replay a recorded CSV file as a device of its own."""
        tell_the_yard()
        os.execv(sys.executable, [sys.executable, "-m", "simulators.replay", *context.args])  # noqa: S606 - no shell is wanted
