"""`/desk/devices`: every appliance that may send, and each one's page with curves and label."""

from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.http import kind, label, live, pages, product, sheet, sheet_pdf, when
from api.http.evidence import Reader
from api.http.house import Home
from api.http.problems import refuse
from api.http.public import bearer
from api.http.rest.devices import label_url
from api.http.staff import claims, credentials, curves, lists, trouble, twin
from api.http.staff import registry as staff_registry
from devices import registry
from devices.model import Device, DeviceFilter, DeviceState
from devices.warranty import covers
from ingest import history
from ingest.presence import shown

router = APIRouter(prefix="/desk/devices", include_in_schema=False)

MOST_LABELS = 240  # some seconds of work
OURS_FOR = timedelta(days=1)  # for so long it is said that we did not listen


Fact = Annotated[str, Query(max_length=200)]


def _asked(
    class_id: Annotated[str, Query(alias="class", max_length=200)] = "",
    state: Fact = "",
    model: Fact = "",
    site: Fact = "",
    text: Fact = "",
) -> DeviceFilter:
    """As a form sends it: what was left empty is not asked for."""
    return DeviceFilter(
        class_id=class_id or None,
        state=DeviceState(state) if state in [*DeviceState] else None,
        model=model.strip() or None,
        site=site.strip() or None,
        text=text.strip() or None,
    )


@router.get("")
def device_list(
    request: Request,
    home: Home,
    asked: Annotated[DeviceFilter, Depends(_asked)],
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=lists.MOST)] = lists.STEP,
) -> Response:
    with home.looking() as conn:
        found = registry.listed(conn, home.settings.tenant, asked, after=after, limit=limit)
    today = home.clock().astimezone(lists.ZONE).date()
    more = str(request.url.include_query_params(after=found[-1].device_no)) if len(found) == limit else None
    page = lists.Page(limit=limit, more=more, first=str(request.url.remove_query_params("after")) if after else None)
    return pages.render(
        request,
        "desk_devices.html",
        language=pages.language_of(request),
        word="devices",
        follows=False,
        devices=[(device, covers.standing(covers.of(home.catalogue, device, today))) for device in found],
        asked=asked,
        states=list(DeviceState),
        classes=home.catalogue,
        page=page,
        labels_path=_labels_path(found, pages.language_of(request)),
    )


def _labels_path(devices: list[Device], language: str) -> str:
    return f"/desk/devices/labels.pdf?devices={','.join(each.device_id for each in devices)}&lang={language}"


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
            labels_path=_labels_path([device], language),
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
