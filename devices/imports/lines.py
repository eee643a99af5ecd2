"""Bytes become rows of cells, each line by itself: one with a quote too many takes no neighbour along."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence

from devices.imports import columns
from devices.imports.formulas import bare
from devices.imports.model import Cells, Code, Fault, FileError

MAX_LINE_BYTES = 64 * 1024
_PIECE = 1 << 20
_SEPARATORS = (",", ";", "\t")
_LOST = "\ufffd"


def encoding_of(body: bytes) -> str:
    """UTF-8 if all of it is that, else GB18030, which Excel writes in China. Raises FileError for UTF-16."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FileError("UTF_16")
    return next((name for name in ("utf-8", "gb18030") if _is(name, body)), "utf-8")


def _is(name: str, body: bytes) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        for at in range(0, len(body), _PIECE):
            decoder.decode(body[at : at + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


class Table:
    """A file: `ignored` are columns that mean nothing, `lines` about how many there are. Raises FileError."""

    def __init__(self, body: bytes) -> None:
        self._encoding = encoding_of(body)
        self._lines = io.BytesIO(body.removeprefix(codecs.BOM_UTF8))
        header = self._decode(self._lines.readline(MAX_LINE_BYTES))
        if not header.strip():
            raise FileError("EMPTY")
        self._separator = max(_SEPARATORS, key=header.count)
        try:
            self._columns, self.ignored = columns.understood(self._cells(header))
        except csv.Error:
            raise FileError("EMPTY") from None
        self.lines = body.count(b"\n")

    def rows(self) -> Iterator[tuple[int, Cells] | Fault]:
        """Each line with its number, empty ones left out; what cannot be read as a fault."""
        for number, line in enumerate(self._lines, start=2):
            if not line.strip(b" \t\r\n,;"):
                continue
            if len(line) > MAX_LINE_BYTES:
                yield Fault(row=number, column="", code=Code.TOO_LONG, value=str(MAX_LINE_BYTES))
                continue
            yield self._row(number, self._decode(line))

    def _row(self, number: int, line: str) -> tuple[int, Cells] | Fault:
        if _LOST in line:
            return Fault(row=number, column="", code=Code.NOT_TEXT)
        try:
            cells = self._cells(line)
        except csv.Error as error:
            return Fault(row=number, column="", code=Code.NOT_CSV, value=str(error))
        if any(cell.strip() for cell in cells[len(self._columns) :]):
            return Fault(row=number, column="", code=Code.CELLS, value=str(len(cells)))
        return number, {name: bare(cell.strip()) for name, cell in zip(self._columns, cells, strict=False) if name}

    def _cells(self, line: str) -> Sequence[str]:
        return next(csv.reader((line,), delimiter=self._separator, strict=True), [])

    def _decode(self, line: bytes) -> str:
        return line.decode(self._encoding, "replace").rstrip("\r\n")
