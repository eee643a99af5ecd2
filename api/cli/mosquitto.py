"""`foremend mosquitto-devices`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.cli._options import fail


def register(app: typer.Typer) -> None:
    @app.command("mosquitto-devices", hidden=True)
    def command(to: Annotated[Path, typer.Option(help="A folder.")]) -> None:
        """With which devices a Mosquitto of the house begins (started by docker-compose.yml)."""
        from api import database
        from api.mosquitto import beginning
        from api.settings import Settings

        settings = Settings.from_environment()
        if settings.credential_key is None:
            raise fail("passwords cannot be computed without FOREMEND_CREDENTIAL_KEY")
        key = settings.credential_key.get_secret_value().encode()
        with database.connect(settings, "foremend_relay") as conn:
            typer.echo(f"{beginning.write(conn, key, to, datetime.now(UTC))} credentials")
