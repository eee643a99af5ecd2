"""Many devices at once: in from a CSV file, and out as one."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Request, Response
from starlette.responses import StreamingResponse

from api.http import importing, pages
from api.http.house import Home, House
from api.http.importing import Summary
from api.http.problems import refuse
from api.texts import say
from devices.imports import export
from devices.imports.lines import Table
from devices.imports.model import FileError

router = APIRouter(tags=["devices"])

NDJSON, CSV = "application/x-ndjson", "text/csv"


@router.post("/imports", summary="Register and correct the devices of a CSV file; a bad row takes no other along")
def import_file(
    request: Request,
    home: Home,
    body: Annotated[bytes, Body(media_type=CSV)],
    dry_run: Annotated[bool, Query(description="tell what would happen, and change nothing")] = False,  # noqa: FBT002
    accept: Annotated[str, Header()] = "",
) -> Any:
    """UTF-8 or GB18030; `device_id`, `class`, `model` and `serial` are needed, the names of columns may be others. The
    same file twice changes nothing. The answer is JSON with at most 1,000 `faults` and `changes`; with
    `Accept: application/x-ndjson` a line for each and the progress, with `Accept: text/csv` the faults as a file."""
    language = pages.language_of(request)
    table = _table(language, body)
    found = importing.notes(home, table, dry_run=dry_run)
    if NDJSON in accept:
        return StreamingResponse(importing.stream(language, table, found), media_type=NDJSON)
    if CSV in accept:
        return _download(importing.faults_csv(language, found), "faults.csv")
    summary = Summary(language=language)
    for note in found:
        summary.take(note)
    return {**summary.outcome, "dry_run": dry_run, "faults": summary.faults, "changes": summary.changes}


@router.get("/exports/devices.csv", summary="All devices as a file that can be imported again")
def export_file(home: Home) -> Response:
    return _download(_lines(home), f"devices-{home.settings.tenant}.csv")


def _lines(home: House) -> Iterator[str]:
    with home.looking() as conn:
        yield from export.lines(conn, home.settings.tenant)


def _table(language: str, body: bytes) -> Table:
    try:
        return Table(body)
    except FileError as error:
        names = ", ".join(error.names)
        raise refuse(422, "not-importable", say(language, f"import.file.{error.code}", names=names)) from None


def _download(lines: Iterator[str], name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type=f"{CSV}; charset=utf-8", headers=headers)
