"""A file of devices through HTTP: what is told on the way and what of it all is told at the end."""

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from api.http.house import House
from api.texts import say
from devices.imports import run
from devices.imports.formulas import armoured
from devices.imports.lines import Table
from devices.imports.model import Change, Fault, Note, Outcome, Progress

MOST_TOLD = 1000  # faults and changes in one answer; a stream has all


def notes(house: House, table: Table, *, dry_run: bool) -> Iterator[Note]:
    """The outcome comes when the transaction has ended: what is told is so. A dry run is the same, undone."""
    outcome = None
    with house.acting() as conn, conn.transaction(force_rollback=dry_run):
        for note in run.run(conn, table, house.catalogue, by=house.scope(), now=house.clock()):
            if isinstance(note, Outcome):
                outcome = note
            else:
                yield note
    if outcome is None:
        return
    if not dry_run:
        for name in ("created", "updated", "unchanged", "refused"):
            house.meters.imported.labels(name).inc(getattr(outcome, name))
    yield outcome


def fault_json(language: str, fault: Fault) -> dict[str, Any]:
    """`detail`: what to do."""
    return {**asdict(fault), "detail": say(language, f"import.fault.{fault.code}", value=fault.value)}


def change_json(change: Change) -> dict[str, Any]:
    columns = {name: {"was": was, "now": now} for name, (was, now) in change.columns.items()}
    return {"row": change.row, "device_id": change.device_id, "columns": columns}


def stream(language: str, table: Table, found: Iterator[Note]) -> Iterator[bytes]:
    """A line of JSON for each thing: `fault`, `change`, `progress`, at last `outcome`."""
    for note in found:
        if isinstance(note, Fault):
            said: dict[str, Any] = {"fault": fault_json(language, note)}
        elif isinstance(note, Change):
            said = {"change": change_json(note)}
        elif isinstance(note, Progress):
            said = {"progress": {"rows": note.rows, "of": max(table.lines, note.rows)}}
        else:
            said = {"outcome": asdict(note)}
        yield orjson.dumps(said) + b"\n"


def faults_csv(language: str, found: Iterator[Note]) -> Iterator[str]:
    """For a spreadsheet beside the file."""
    yield "\ufeff" + _row(["row", "column", "code", "value", "detail"])
    for note in found:
        if isinstance(note, Fault):
            told = fault_json(language, note)
            yield _row([armoured(told[name]) for name in ("row", "column", "code", "value", "detail")])


def _row(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()


@dataclass(kw_only=True)
class Summary:
    """Of a file whose teller wants one answer."""

    language: str
    faults: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    outcome: dict[str, Any] = field(default_factory=dict)

    def take(self, note: Note) -> None:
        if isinstance(note, Fault) and len(self.faults) < MOST_TOLD:
            self.faults.append(fault_json(self.language, note))
        elif isinstance(note, Change) and len(self.changes) < MOST_TOLD:
            self.changes.append(change_json(note))
        elif isinstance(note, Outcome):
            self.outcome = asdict(note)
