"""`foremend migrate`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli._options import fail


def register(app: typer.Typer) -> None:
    @app.command("migrate")
    def command(
        logins: Annotated[
            Path | None, typer.Option("--logins", help="Folder with the roles' passwords: files api, worker, relay.")
        ] = None,
        new_log: Annotated[
            bool,
            typer.Option(
                "--new-log",
                help="The record goes on in a new log; what it has not read of the old one, it never reads.",
            ),
        ] = False,
    ) -> None:
        """Bring a server's database to this version's schema and make the log; foremend up does it by itself.

        Connects to FOREMEND_DSN as FOREMEND_ADMIN (postgres), to FOREMEND_NATS_URL as the house. May be repeated.
        """
        import psycopg

        from api.engines.errors import EngineError
        from api.engines.nats_request import NatsRequestError
        from api.migrate import PasswordMissingError, migrate
        from api.partitions import PartitionsFixedError
        from api.schema import SCHEMA_VERSION, NewerSchemaError
        from api.settings import Settings, SignIn
        from devices.errors import CatalogueError
        from ingest.errors import LayoutError

        settings = Settings.from_environment()
        try:
            done = migrate(settings, logins, new_log=new_log)
        except psycopg.Error as error:
            raise fail(f"the database refuses: {str(error).strip()}") from None
        except (
            EngineError,
            NatsRequestError,
            PasswordMissingError,
            PartitionsFixedError,
            NewerSchemaError,
            CatalogueError,
            LayoutError,
        ) as error:
            raise fail(str(error)) from None
        typer.echo(f"schema version {SCHEMA_VERSION}; the log is there")
        if settings.device_sign_in is SignIn.REQUIRED and settings.nats_issuer is None:
            typer.echo(
                "no device can come in before foremend migrate knows FOREMEND_NATS_ISSUER: deploy/make-secrets.sh"
            )
        if not done:
            typer.echo("still one partition: let its worker read what the log holds, and run this once more")
