"""`/desk/devices/{id}`: one appliance with its curves, and sheets of labels."""

from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.http import kind, label, live, pages, product, sheet, sheet_pdf, when
from api.http.evidence import Reader
from api.http.house import Home
from api.http.problems import refuse
from api.http.public import bearer
from api.http.rest.devices import label_url
from api.http.staff import claims, credentials, curves, trouble, twin
from api.http.staff import registry as staff_registry
from api.http.staff.registering import labels_path
from devices import registry
from ingest import history
from ingest.presence import shown

router = APIRouter(prefix="/desk/devices", include_in_schema=False)

MOST_LABELS = 240  # some seconds of work
OURS_FOR = timedelta(days=1)  # for so long it is said that we did not listen


@router.get("/labels.pdf")
def device_labels(
    home: Home,
    request: Request,
    devices: Annotated[str, Query(max_length=8192)] = "",
    grid: Annotated[str, Query(max_length=16)] = sheet.USUAL,
    skip: Annotated[int, Query(ge=0, le=1000)] = 0,
) -> Response:
    """A sheet for these devices, named with commas between them, else for the first ones; for many, `foremend label
    sheet` draws at home."""
    wanted = list(dict.fromkeys(each for each in devices.split(",") if each))
    if grid not in sheet.PRESETS or len(wanted) > MOST_LABELS:
        grids = ", ".join(sheet.PRESETS)
        detail = f"At most {MOST_LABELS} devices, on a grid of {grids}."
        raise refuse(422, "sheet-refused", detail, most=MOST_LABELS, grids=grids)
    with home.looking() as conn:
        found = [registry.find(conn, home.settings.tenant, device_id) for device_id in wanted] or registry.listed(
            conn, home.settings.tenant, limit=MOST_LABELS
        )
    language = pages.language_of(request)
    words = [
        sheet_pdf.words(label_url(home, each), each.model, each.serial, product.url_of(home, each), language)
        for each in found
    ]
    return Response(sheet_pdf.draw(words, sheet.PRESETS[grid], skip=skip), media_type="application/pdf")


@router.get("/{device_id}")
def device_page(device_id: str, request: Request, home: Home) -> Response:
    language, now = pages.language_of(request), home.clock()
    with home.looking() as conn:
        owned = bearer.owned(conn, home, registry.find(conn, home.settings.tenant, device_id).device_no)
        device, appliance = owned.device, owned.appliance
        reader = Reader(language=language, zone=owned.zone, now=now)
        newest = history.newest(conn, appliance, device.device_no)
        end_ms = newest.ts_ms if newest else int(now.timestamp() * 1000)
        away = shown.why(conn, device.device_no)
        troubles = trouble.of_device(conn, device)
        return pages.render(
            request,
            "desk_device.html",
            language=language,
            zone=owned.zone,
            device=device,
            appliance=appliance,
            kind=kind.of_device(conn, appliance, device, newest, language),
            customer=owned.customer,
            newest=datetime.fromtimestamp(newest.ts_ms / 1000, tz=UTC) if newest else None,
            clock=(clock := history.clock(conn, appliance, device.device_no)),
            clock_span=when.span(language, abs(clock.offset_ms or 0)),
            counts=history.counts(conn, appliance, device.device_no),
            curves=curves.of_device(conn, appliance, device.device_no, troubles.active, reader, end_ms),
            twin=twin.shown(conn, device, appliance, language),
            presence=shown.of_device(conn, device.device_no),
            why=away,
            patience=when.span(language, away[0].patience_ms or 0) if away else None,
            ours=shown.ours(conn, now - OURS_FOR),
            gateway=registry.by_no(conn, device.gateway_no) if device.gateway_no else None,
            labels_path=labels_path([device], language),
            label_path=f"/r/{device.label_token}",
            **credentials.of_device(conn, home, device, now, language),
            **claims.of_device(conn, device, now),
            **staff_registry.of_device(conn, home, device, owned.zone, language),
            **trouble.rows(conn, home, troubles, reader),
        )


@router.get("/{device_id}/live")
def hints(device_id: str, home: Home) -> Response:
    """Of what a person waits for before this page: presence, alerts, tickets, the twin and its commands."""

    def version() -> Hashable:
        with home.looking() as conn:
            device = registry.find(conn, home.settings.tenant, device_id)
            presence = shown.of_device(conn, device.device_no)
            seen = (presence.state, presence.since) if presence else None
            return seen, device.version, trouble.version(conn, device), twin.version(conn, device)

    return live.answer(home, version)


@router.get("/{device_id}/label.svg")
def device_label(device_id: str, home: Home) -> Response:
    with home.looking() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
    body = label.svg(label.of(label_url(home, device), device.model, device.serial))
    return Response(body, media_type="image/svg+xml")
