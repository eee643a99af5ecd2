"""An event as a webhook carries it: CloudEvents 1.0 in JSON, signed by Standard Webhooks 1.0, the same over retries."""

import json
from dataclasses import dataclass
from datetime import datetime

from standardwebhooks import Webhook as Signer

from ledger.model import Event


@dataclass(frozen=True, kw_only=True)
class Envelope:
    headers: dict[str, str]
    body: bytes


def envelope(event: Event, secret: str, now: datetime) -> Envelope:
    """`source` + `id` is the receiver's duplicate key, `webhook-id` says the same. Raises for an unusable secret."""
    text = json.dumps(cloud_event(event), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    signature = Signer(secret).sign(str(event.event_id), now, text)
    headers = {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "webhook-id": str(event.event_id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    return Envelope(headers=headers, body=text.encode())


def cloud_event(event: Event) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": str(event.event_id),
        "source": f"/tenants/{event.tenant_id}",
        "type": f"foremend.{event.kind}",
        "subject": event.subject_id,
        "time": event.at.isoformat(),
        "datacontenttype": "application/json",
        "data": {**event.data, "actor": event.actor},
    }
