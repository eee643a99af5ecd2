"""What an alert becomes: pure steps on its two axes. `look_at` says when the asking gate has something to decide."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ticketing.alerts.model import Alert, Condition, Engagement, Review


def cleared(alert: Alert, at: datetime, now: datetime) -> Alert:
    """The trouble is over. Asked and not answered: withdrawn, and the customer is to be told. With a ticket: a note."""
    asked = alert.engagement is Engagement.ASKED
    follows = asked or alert.ticket_id is not None
    return replace(
        alert,
        condition=Condition.CLEARED,
        engagement=Engagement.WITHDRAWN if asked else alert.engagement,
        cleared_at=at,
        last_seen=max(alert.last_seen, at),
        review=None,
        look_at=now if follows else None,
        waits_for=None,
    )


def asked(alert: Alert) -> Alert:
    return _settled(replace(alert, engagement=Engagement.ASKED))


def confirmed(alert: Alert, ticket_id: UUID, look_at: datetime) -> Alert:
    """The gate looks on: still ACTIVE when the ticket has ended, it may be asked about again."""
    return replace(_settled(replace(alert, engagement=Engagement.CONFIRMED, ticket_id=ticket_id)), look_at=look_at)


def declined(alert: Alert, until: datetime) -> Alert:
    """Still ACTIVE when the shelf ends, it may be asked about again."""
    return replace(_settled(replace(alert, engagement=Engagement.DECLINED)), look_at=until)


def expired(alert: Alert) -> Alert:
    """Nobody answered: a person looks at it, it is not dropped in silence."""
    return replace(_settled(replace(alert, engagement=Engagement.EXPIRED)), review=Review.EXPIRED)


def joined(alert: Alert, ticket_id: UUID, look_at: datetime) -> Alert:
    """Its evidence went to a ticket that was open already; nobody was asked. The gate looks on."""
    return replace(_settled(replace(alert, ticket_id=ticket_id)), look_at=look_at)


def held(alert: Alert, look_at: datetime | None, codes: tuple[str, ...], review: Review | None = None) -> Alert:
    return replace(alert, look_at=look_at, waits_for=" ".join(codes) or None, review=review or alert.review)


def unasked(alert: Alert, now: datetime) -> Alert:
    """Whoever was asked about it has nothing to say any more: the gate decides anew."""
    return replace(alert, engagement=Engagement.NONE, look_at=now, waits_for=None, review=None)


def followed(alert: Alert) -> Alert:
    """What came after it cleared is done."""
    return _settled(alert)


def _settled(alert: Alert) -> Alert:
    return replace(alert, look_at=None, waits_for=None, review=None)
