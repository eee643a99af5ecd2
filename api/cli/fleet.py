"""`foremend fleet`: this process becomes the yard's, with its signals and its exit code."""

import os
import sys

import typer

from api.cli._options import tell_the_yard

_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def register(app: typer.Typer) -> None:
    fleet = typer.Typer(no_args_is_help=True, help="Simulated appliances, well and ill.")
    app.add_typer(fleet, name="fleet")

    @fleet.command("run", context_settings=_THROUGH)
    def _run(context: typer.Context) -> None:
        """Let them speak, a connection each, until Ctrl-C."""
        _become("simulators.fleet", context.args)

    @fleet.command("generate", context_settings=_THROUGH)
    def _generate(context: typer.Context) -> None:
        """Write their past as files, with the truth beside it."""
        _become("simulators.generate", context.args)


def _become(module: str, options: list[str]) -> None:
    tell_the_yard()
    os.execv(sys.executable, [sys.executable, "-m", module, *options])  # noqa: S606 - no shell is wanted
