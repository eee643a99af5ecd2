"""`foremend clean`: stop what runs on the data, and forget it."""

import typer

from api.cli._options import Data, data_folder, fail


def register(app: typer.Typer) -> None:
    @app.command("clean")
    def command(data: Data = None) -> None:
        """Stop what still runs and remove the data folder."""
        from api.engines import folder
        from api.engines.errors import EngineError
        from api.engines.supervisor import end_left

        where = data_folder(data)
        if not where.exists():
            return
        try:
            folder.refuse_foreign(where)
            folder.stop_holder(where)
            with folder.locked(where):
                end_left(where)
                folder.forget(where)
        except EngineError as error:
            raise fail(str(error)) from None
        typer.echo(f"removed {where}")
