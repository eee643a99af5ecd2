"""A TOML file read as rows: each key is checked, and whatever is wrong is gathered with its line."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices import toml_lines, values
from devices.errors import BadRow
from devices.toml_lines import Path as Where
from devices.values import Check

_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The keys of a table with their checks: those that it must have, and those that may be left out."""

    must: Mapping[str, Check]
    may: Mapping[str, Check]

    @property
    def checks(self) -> dict[str, Check]:
        return {**self.must, **self.may}


class File:
    """What stands in one file, and what is wrong with it so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[BadRow] = []
        self._lines: dict[Where, int] = {}
        self.table: dict[str, Any] = {}
        try:
            text = path.read_text(encoding="utf-8")
            self.table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = _AT_LINE.search(str(error))
            self._refuse(int(found[1]) if found else text.count("\n") + 1, "", f"not TOML: {error}")
        except UnicodeDecodeError as error:
            self._refuse(1 + path.read_bytes()[: error.start].count(b"\n"), "", "not TOML: it is not in UTF-8")
        except RecursionError:
            self._refuse(1, "", "not TOML that can be read: its tables are nested too deeply")
        except ValueError:  # Python reads no number of more than 4,300 digits
            self._refuse(1, "", "not TOML that can be read: a number in it has thousands of digits")
        except OSError as error:
            self._refuse(1, "", f"cannot be read: {error.strerror}")
        else:
            self._lines = toml_lines.lines(text)

    def refuse(self, where: Where, reason: str, row: str | None = None) -> None:
        """`row`: by which name a person knows what stands there."""
        self._refuse(toml_lines.nearest(self._lines, where), spelled(where) if row is None else row, reason)

    def _refuse(self, line: int, where: str, reason: str) -> None:
        self.faults.append(BadRow(file=str(self.path), line=line, where=where, reason=reason))

    def row(self, where: Where, said: Any, shape: Shape, name: str = "") -> dict[str, Any] | None:
        """The table's keys, those that may be left out only if they are there; None where one of them is wrong."""
        if not isinstance(said, dict):
            self.refuse(where, f"is no table, here {said!r}")
            return None
        before = len(self.faults)
        called = f"{spelled(where)} ({said[name]})" if isinstance(said.get(name), str) else spelled(where)
        for key in shape.must:
            if key not in said:
                self.refuse(where, f"{key} is missing", called)
        for key, value in said.items():
            if key not in shape.checks:
                self.refuse((*where, key), f"has no key {key!r}{values.meant(key, shape.checks)}", called)
            elif reason := shape.checks[key](value):
                self.refuse((*where, key), f"{key} {reason}", called)
        return dict(said) if len(self.faults) == before else None

    def rows(
        self, outer: Where, table: Mapping[str, Any], key: str, shape: Shape, name: str = ""
    ) -> Iterable[tuple[Where, dict[str, Any]]]:
        """The good ones of the tables in the list `key`; `name`: the key by which a person knows such a row."""
        listed = table.get(key, [])
        if not isinstance(listed, list):
            self.refuse((*outer, key), f"is no list of tables: begin each with [[{spelled((*outer, key))}]]")
            return
        for i, said in enumerate(listed):
            row = self.row((*outer, key, i), said, shape, name)
            if row is not None:
                yield (*outer, key, i), row


def spelled(where: Where) -> str:
    """`metrics[0].low`; empty for the file itself."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)[1:]
