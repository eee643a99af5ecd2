"""`foremend door`."""

import typer

from api.cli import _process
from api.cli._options import fail


def register(app: typer.Typer) -> None:
    @app.command("door", hidden=True)
    def command() -> None:
        """Let devices in by their credentials (started by foremend up, if they must sign in)."""
        from api.door import run
        from api.settings import Settings

        settings = Settings.from_environment()
        if settings.nats_issuer is None:
            raise fail(str(run.IssuerMissingError()))
        _process.run("door", run.run, settings)
