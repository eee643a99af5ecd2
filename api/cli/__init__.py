"""The command line. A command is one file of this folder whose `register(app)` adds it; a leading underscore hides one.

Only the file of the command that was asked for is imported, so that `foremend label` does not wait for the engines.
"""

import pkgutil
import sys
from importlib import import_module

import typer

from api.cli._options import fail
from api.errors import SettingsError


def main() -> None:
    """The entry point of `foremend`."""
    app = typer.Typer(name="foremend", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_foremend)
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    for name in [asked] if asked in names else names:
        import_module(f"{__name__}.{name}").register(app)
    try:
        app()
    except SettingsError as error:
        sys.exit(fail(str(error)).exit_code)


def _foremend() -> None:
    """Appliances say they are getting ill, the customer says yes, the engineer brings the right part."""
