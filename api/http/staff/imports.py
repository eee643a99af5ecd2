"""`/desk/imports`: a file of devices, looked at or taken in, with the rows that cannot be taken."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import UploadFile
from starlette.responses import StreamingResponse

from api.http import importing, pages
from api.http.house import Home, House
from api.http.importing import MOST_TOLD, Summary
from api.http.staff.forms import Form
from api.texts import say
from devices.imports.columns import COLUMNS, REQUIRED
from devices.imports.lines import Table
from devices.imports.model import FileError

router = APIRouter(prefix="/desk/imports", include_in_schema=False)

CHECK, TAKE, FAULTS = "check", "take", "faults"  # the buttons: a dry run, the import, what is wrong as a file


@dataclass(frozen=True, kw_only=True)
class Sent:
    body: bytes
    button: str


async def _sent(request: Request) -> Sent:
    async with request.form(max_files=1, max_fields=2) as form:
        file = form.get("file")
        body = await file.read() if isinstance(file, UploadFile) else b""
        return Sent(body=body, button=str(form.get("button", CHECK)))


@router.get("")
def import_page(request: Request) -> Response:
    return _page(request, Form(typed={}))


@router.post("")
def take(request: Request, home: Home, sent: Annotated[Sent, Depends(_sent)]) -> Response:
    """Whatever is no press of the button that takes the file in changes nothing."""
    language = pages.language_of(request)
    try:
        table = Table(sent.body)
    except FileError as error:
        code = f"import.file.{error.code}" if sent.body else "wrong.missing"
        word = say(language, code, names=say(language, "comma").join(error.names))
        return _page(request, Form(typed={}, wrong={"file": word}))
    if sent.button == FAULTS:
        return _file(language, home, table)
    summary = Summary(language=language)
    for note in importing.notes(home, table, dry_run=sent.button != TAKE):
        summary.take(note)
    return _page(request, Form(typed={}), summary, took=sent.button == TAKE)


def _file(language: str, home: House, table: Table) -> Response:
    lines = importing.faults_csv(language, importing.notes(home, table, dry_run=True))
    headers = {"Content-Disposition": 'attachment; filename="faults.csv"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def _page(request: Request, form: Form, summary: Summary | None = None, *, took: bool = False) -> Response:
    language = pages.language_of(request)
    told: dict[str, Any] = {"outcome": None, "faults": [], "changes": []}
    if summary is not None:
        told = {"outcome": summary.outcome, "faults": summary.faults, "changes": summary.changes}
    return pages.render(
        request,
        "desk_imports.html",
        language=language,
        status=422 if form.wrong else 200,
        form=form,
        took=took,
        required=REQUIRED,
        optional=[name for name in COLUMNS if name not in REQUIRED],
        most=MOST_TOLD,
        **told,
    )
