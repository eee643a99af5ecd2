"""Subscribers to what happens, and what became of each delivery."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.encoders import jsonable_encoder
from pydantic import Field, StringConstraints

from api.http.house import Home
from api.http.problems import refuse
from api.http.rest.devices import Body
from devices import registry
from ledger import outbox
from ledger.model import DeliveryState
from ticketing.errors import NotFoundError
from ticketing.notify import outside, webhooks

router = APIRouter(tags=["webhooks"])

Limit = Annotated[int, Query(ge=1, le=1000)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+[^\s]*$", max_length=2000)]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=100)]


class WebhookBody(Body):
    url: Url
    events: Annotated[tuple[Kind, ...], Field(max_length=50)] = ()


class ActiveBody(Body):
    active: bool


@router.post("/webhooks", status_code=201, summary="Subscribe; the signing secret is in this answer and nowhere else")
def subscribe(body: WebhookBody, home: Home) -> dict[str, Any]:
    refused = outside.refuse_url(body.url)
    if refused:
        raise refuse(422, "not-a-webhook", f"Nothing can be sent to that address: {refused}.")
    with home.acting() as conn:
        registry.settle_tenant(conn, home.settings.tenant)
        webhook_id, secret = webhooks.subscribe(
            conn, url=body.url, events=body.events, by=home.scope(), now=home.clock()
        )
    return {"webhook_id": str(webhook_id), "url": body.url, "events": body.events, "secret": secret}


@router.get("/webhooks", summary="Subscribers, without their secrets")
def webhook_list(home: Home) -> dict[str, Any]:
    with home.looking() as conn:
        return {"webhooks": jsonable_encoder(webhooks.listed(conn))}


@router.patch("/webhooks/{webhook_id}", summary="Stop a subscriber, or let it go on", status_code=204)
def set_active(webhook_id: UUID, body: ActiveBody, home: Home) -> Response:
    with home.acting() as conn:
        if not webhooks.set_active(conn, webhook_id, active=body.active, by=home.scope(), now=home.clock()):
            raise NotFoundError("webhook", webhook_id)
    return Response(status_code=204)


@router.get("/deliveries", summary="The outbox, newest first")
def delivery_list(home: Home, state: DeliveryState | None = None, limit: Limit = 100) -> dict[str, Any]:
    with home.looking() as conn:
        return {"deliveries": jsonable_encoder(outbox.listed(conn, state=state, limit=limit))}


@router.post("/deliveries/{delivery_id}/replay", summary="Send a dead letter on its way again", status_code=202)
def replay(delivery_id: UUID, home: Home) -> dict[str, str]:
    with home.acting() as conn:
        if not outbox.replay(conn, delivery_id, home.clock()):
            raise refuse(409, "not-dead", "Only a dead letter can be sent again.")
    return {"state": DeliveryState.PENDING}
