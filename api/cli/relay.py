"""`foremend relay`."""

import typer

from api.cli import _process


def register(app: typer.Typer) -> None:
    @app.command("relay", hidden=True)
    def command() -> None:
        """Ask, tell, deliver: what was decided goes out (started by foremend up)."""
        from api import relay

        _process.run("relay", relay.run)
