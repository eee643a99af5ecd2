"""NATS' log followed line by line: it is renamed when it is large, and a new one begins under its name."""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from api.door.violations import Violation, read, written_at

_LONGEST = 64 * 1024  # of a line; a longer one is none that we look for
_AT_ONCE = 4 << 20
_EVER = datetime.fromtimestamp(0, UTC)


class Tail:
    """`since`: up to when it was read before; older lines are passed over."""

    def __init__(self, path: Path, since: datetime | None = None) -> None:
        self._path = path
        self.read_to = since or _EVER
        self._since = self.read_to
        self._file: BinaryIO | None = None
        self._rest = b""

    def look(self) -> Iterator[Violation]:
        """What was written since the last look. Raises OSError, also while there is no such file."""
        if self._file is None:
            yield from self._begin()
        while self._file is not None:
            yield from self._lines()
            if not self._was_renamed():
                return
            yield from self._lines()  # written between our last look and the renaming
            self.close()
            self._file = self._path.open("rb")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file, self._rest = None, b""

    def _begin(self) -> Iterator[Violation]:
        """The older ones that lie beside it first."""
        self._since = self.read_to
        for older in sorted(self._path.parent.glob(f"{self._path.name}.*")):
            with contextlib.suppress(FileNotFoundError):  # forgotten meanwhile
                self._file = older.open("rb")
            yield from self._lines()
            self.close()
        self._file = self._path.open("rb")

    def _was_renamed(self) -> bool:
        assert self._file is not None
        try:
            return self._path.stat().st_ino != _inode(self._file)
        except FileNotFoundError:
            return False  # between the renaming and the new one

    def _lines(self) -> Iterator[Violation]:
        while self._file is not None and (data := self._file.read(_AT_ONCE)):
            *lines, self._rest = (self._rest + data).split(b"\n")
            if len(self._rest) > _LONGEST:
                self._rest = b""
            for line in lines:
                at = written_at(line)
                if at is None or at <= self._since:
                    continue
                self.read_to = max(self.read_to, at)
                violation = read(line)
                if violation is not None:
                    yield violation


def _inode(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_ino
