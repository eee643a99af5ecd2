"""`foremend api`."""

import threading

import typer

from api.cli import _process
from api.settings import Settings


def register(app: typer.Typer) -> None:
    @app.command("api", hidden=True)
    def command() -> None:
        """The pages and the HTTP API (started by foremend up)."""
        from api.http import serve

        def work(settings: Settings, _: threading.Event) -> None:
            serve.run(settings)  # uvicorn listens to the signals itself

        _process.run("api", work)
