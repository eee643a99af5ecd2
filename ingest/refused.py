"""A refusal of a message, or of what it says."""

from ingest.model import Message, Reason, Refusal
from ingest.topics import Source


def refused(
    message: Message,
    source: Source,
    reason: Reason,
    detail: str,
    *,
    payload: bytes | None = None,
    ts_ms: int | None = None,
    metric: str | None = None,
) -> Refusal:
    """`payload`: the bytes that say it again; without it, the message's own."""
    return Refusal(
        seq=message.seq,
        received_ms=message.received_ms,
        topic=source.topic,
        tenant_id=source.tenant_id,
        device_no=source.device_no,
        reason=reason,
        detail=detail,
        payload=message.payload if payload is None else payload,
        ts_ms=ts_ms,
        metric=metric,
    )
