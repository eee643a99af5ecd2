"""A file of devices into the registry, in the caller's one transaction: undone, it was a dry run.

The same file twice changes nothing; a row that cannot be taken takes no other along. Memory does not grow with the file
but by the ids and serials in it, which tell a row that stands twice.
"""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from itertools import islice
from typing import Any

from psycopg import Connection

from devices import registry
from devices.imports import store
from devices.imports.batch import Batch
from devices.imports.decide import Book
from devices.imports.gateways import Gateways
from devices.imports.lines import Table
from devices.imports.model import Code, Fault, Note, Outcome, Progress, Said
from devices.imports.parse import Parser
from devices.model import Catalogue
from ledger import log
from ledger.ids import uuid7
from ledger.model import Scope

AT_ONCE = 2000  # rows


def run(conn: Connection[Any], table: Table, catalogue: Catalogue, *, by: Scope, now: datetime) -> Iterator[Note]:
    """Faults and changes as they are found, progress after each batch, the outcome at last. Raises MeanwhileError."""
    registry.settle_tenant(conn, by.tenant_id)
    import_id, book, gateways = uuid7(now), Book(), Gateways(conn, by, now)
    outcome, rows = Outcome(ignored=table.ignored), _read(table, Parser(catalogue))
    analyse_at = 0
    while found := list(islice(rows, AT_ONCE)):
        if outcome.created >= analyse_at:
            store.analyse(conn)
            analyse_at = 4 * outcome.created + AT_ONCE
        batch = Batch(conn=conn, by=by, now=now, import_id=import_id, book=book)
        refused = set()
        for note in _take(batch, found, gateways):
            if isinstance(note, Fault) and note.column != "gateway":
                refused.add(note.row)
            yield note
        outcome = _counted(outcome, batch, rows=len(found), refused=len(refused))
        yield Progress(rows=outcome.rows)
    yield from gateways.rest()
    if outcome.created or outcome.updated:
        log.note(conn, "devices.imported", str(import_id), by, now, asdict(outcome))
    yield outcome


def _take(batch: Batch, found: list[Said | list[Fault]], gateways: Gateways) -> Iterator[Note]:
    for faults in found:
        if isinstance(faults, list):
            yield from faults
    yield from batch.decide([said for said in found if isinstance(said, Said)])
    batch.write()
    gateways.wait_for(batch)
    yield from gateways.place()


def _counted(outcome: Outcome, batch: Batch, *, rows: int, refused: int) -> Outcome:
    return replace(
        outcome,
        rows=outcome.rows + rows,
        created=outcome.created + len(batch.new),
        updated=outcome.updated + batch.updated,
        unchanged=outcome.unchanged + batch.unchanged,
        refused=outcome.refused + refused,
    )


def _read(table: Table, parser: Parser) -> Iterator[Said | list[Fault]]:
    """Each row as what it says, or as all that is wrong with it."""
    ids: dict[str, int] = {}
    serials: dict[tuple[str, str], int] = {}
    for row in table.rows():
        said = [row] if isinstance(row, Fault) else parser.parse(*row)
        if isinstance(said, Said):
            serial = (said.model, said.serial)
            at = ids.setdefault(said.device_id, said.row), serials.setdefault(serial, said.row)
            twice = [
                Fault(row=said.row, column=column, code=Code.TWICE, value=str(first))
                for column, first in zip(("device_id", "serial"), at, strict=True)
                if first != said.row
            ]
            yield twice or said
        else:
            yield said
