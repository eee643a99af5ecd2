"""`foremend relay`."""

import typer

from api.cli import _process
from api.cli._options import fail


def register(app: typer.Typer) -> None:
    @app.command("relay", hidden=True)
    def command() -> None:
        """Ask, tell, deliver: what was decided goes out (started by foremend up)."""
        from api.mosquitto.setup import MosquittoSettingsError, check
        from api.relay import run
        from api.settings import Settings

        settings = Settings.from_environment()
        try:
            check(settings)
        except MosquittoSettingsError as error:
            raise fail(str(error)) from None
        _process.run("relay", run.run, settings)
