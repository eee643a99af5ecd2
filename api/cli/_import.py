"""A file of devices goes to the running Foremend, and what it says of it comes back line by line."""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from api.cli._api import problem, unreachable
from api.cli._options import fail
from devices.imports.formulas import armoured

PATIENCE_S = 120  # between two lines; the first comes after the file was sent and looked through
TOLD = 20  # faults and changes on the screen; --faults has all faults
_PIECE = 1 << 20


def run(api: str, file: Path, *, dry_run: bool, faults: Path | None) -> None:
    """Raises typer.Exit(1) when a row was not taken."""
    teller = _Teller(faults)
    with teller:
        for said in _answers(f"{api.rstrip('/')}/api/imports", file, dry_run=dry_run):
            teller.take(said)
    teller.tell(dry_run=dry_run)
    if teller.faults:
        raise typer.Exit(1)


def export(api: str, file: Path) -> None:
    url = f"{api.rstrip('/')}/api/exports/devices.csv"
    try:
        with httpx2.stream("GET", url, timeout=PATIENCE_S, trust_env=False) as answer, file.open("wb") as out:
            rows = -1  # the header
            for piece in answer.iter_bytes():
                out.write(piece)
                rows += piece.count(b"\n")
            if answer.status_code != 200:
                raise fail(f"the answer was {answer.status_code}")
    except OSError as error:
        raise fail(f"{file} cannot be written: {error.strerror}") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise unreachable(url, error) from None
    typer.echo(f"{file}: {rows:,} devices")


def _answers(url: str, file: Path, *, dry_run: bool) -> Iterator[dict[str, Any]]:
    headers = {"Content-Type": "text/csv", "Accept": "application/x-ndjson"}
    try:
        headers["Content-Length"] = str(file.stat().st_size)
        with httpx2.stream(
            "POST",
            url,
            params={"dry_run": dry_run},
            content=_pieces(file),
            headers=headers,
            timeout=PATIENCE_S,
            trust_env=False,
        ) as answer:
            if answer.status_code != 200:
                raise fail(problem(json.loads(answer.read()), answer.status_code))
            for line in answer.iter_lines():
                yield json.loads(line)
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise unreachable(url, error) from None


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(_PIECE):
            yield piece


class _Teller:
    """A bar while it goes on, the first faults and changes as they come, all faults into a file if one is named."""

    def __init__(self, file: Path | None) -> None:
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        self._bar = Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("", total=None)
        self._file = file
        self._rows: list[list[str]] = []
        self.faults = self._changes = 0
        self._outcome: dict[str, Any] | None = None

    def __enter__(self) -> None:
        self._bar.start()

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def take(self, said: dict[str, Any]) -> None:
        if "fault" in said:
            self._fault(said["fault"])
        elif "change" in said:
            self._change(said["change"])
        elif "progress" in said:
            self._bar.update(self._task, completed=said["progress"]["rows"], total=said["progress"]["of"])
        else:
            self._outcome = said["outcome"]

    def tell(self, *, dry_run: bool) -> None:
        if self._outcome is None:
            raise fail("the import broke off and nothing was changed; look at the log, and try again")
        for what, count in (("faults", self.faults), ("changes", self._changes)):
            if count > TOLD:
                typer.echo(f"... and {count - TOLD:,} more {what}")
        if self._outcome["ignored"]:
            typer.echo(f"columns that mean nothing here: {', '.join(self._outcome['ignored'])}")
        names = ("created", "updated", "unchanged", "refused")
        counts = ", ".join(f"{self._outcome[name]:,} {name}" for name in names)
        typer.echo(f"{'dry run, nothing was changed: ' if dry_run else ''}{self._outcome['rows']:,} rows: {counts}")
        self._write()

    def _fault(self, fault: dict[str, Any]) -> None:
        self.faults += 1
        where = f"row {fault['row']}{', ' + fault['column'] if fault['column'] else ''}"
        if self.faults <= TOLD:
            typer.echo(f"{where}: {fault['detail']}")
        if self._file is not None:
            self._rows.append([armoured(str(fault[name])) for name in ("row", "column", "code", "value", "detail")])

    def _change(self, change: dict[str, Any]) -> None:
        self._changes += 1
        if self._changes <= TOLD:
            columns = ", ".join(
                f"{name} {each['was']!r} -> {each['now']!r}" for name, each in change["columns"].items()
            )
            typer.echo(f"row {change['row']}, {change['device_id']}: {columns}")

    def _write(self) -> None:
        if self._file is None:
            return
        try:
            with self._file.open("w", encoding="utf-8-sig", newline="") as out:
                csv.writer(out).writerows([["row", "column", "code", "value", "detail"], *self._rows])
        except OSError as error:
            raise fail(f"{self._file} cannot be written: {error.strerror}") from None
