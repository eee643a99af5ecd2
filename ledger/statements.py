"""Named SQL: a room's `sql/queries.sql` becomes an object with one attribute a statement.

A statement begins with `-- name: open_alert` and a comment that says what it is for.
"""

import re
from importlib import resources

from ledger.errors import StatementMissingError

_NAME = re.compile(rb"^-- name: ([a-z][a-z0-9_]*)\s*$", re.MULTILINE)


class Statements:
    """`Statements("devices").find_device` is the text of the statement of that name, as psycopg takes it."""

    def __init__(self, package: str, file: str = "queries.sql") -> None:
        self._file = f"{package}/sql/{file}"
        text = (resources.files(package) / "sql" / file).read_bytes()
        parts = _NAME.split(text)[1:]
        self._texts = {name.decode(): body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}

    def __getattr__(self, name: str) -> bytes:
        try:
            return self._texts[name]
        except KeyError:
            raise StatementMissingError(name, self._file) from None

    def names(self) -> list[str]:
        return list(self._texts)
