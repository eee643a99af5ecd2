"""`foremend fleet`: this process becomes the yard's, with its signals and its exit code."""

import os
import sys

import typer

from api.cli._options import tell_the_yard

_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
_MODULES = {"run": "simulators.fleet", "generate": "simulators.generate"}


def register(app: typer.Typer) -> None:
    @app.command("fleet", context_settings=_THROUGH)
    def command(context: typer.Context) -> None:
        """Simulated appliances: `run` lets them speak, a connection each; `generate` writes their past as files."""
        name, *options = context.args or ["run"]
        if name not in _MODULES:
            name, options = "run", context.args
        tell_the_yard()
        os.execv(sys.executable, [sys.executable, "-m", _MODULES[name], *options])  # noqa: S606 - no shell is wanted
