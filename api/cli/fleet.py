"""`foremend fleet`: this process becomes the yard's, with its signals and its exit code."""

import os
import sys

import typer

_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def register(app: typer.Typer) -> None:
    @app.command("fleet", context_settings=_THROUGH)
    def command(context: typer.Context) -> None:
        """The demo fleet: simulated appliances with a past (started by foremend up)."""
        os.execv(sys.executable, [sys.executable, "-m", "simulators.fleet", *context.args])  # noqa: S606 - no shell is wanted
