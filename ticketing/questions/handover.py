"""A device left its owner or its service: whoever was asked about it is asked no longer."""

from datetime import datetime
from typing import Any

from psycopg import Connection

from devices.model import Device
from ledger.model import Scope
from ticketing.alerts import lifecycle
from ticketing.alerts import store as alerts
from ticketing.notify.tell import tell
from ticketing.questions import store
from ticketing.questions.model import QuestionState


def end_questions(conn: Connection[Any], device: Device, *, by: Scope, now: datetime) -> int:
    """How many were open. They are withdrawn without a letter, and the gate decides anew about their alerts: who is
    the owner now may be asked."""
    ended = 0
    while (seen := store.open_of_device(conn, device.tenant_id, device.device_no)) is not None:
        alert = alerts.lock(conn, seen.alert_id)  # before its question, as everywhere
        question = store.lock(conn, seen.question_id)
        assert alert is not None
        assert question is not None
        if question.state is not QuestionState.OPEN:  # answered while we waited for the locks
            continue
        store.close(conn, question.question_id, QuestionState.WITHDRAWN, actor=by.actor, now=now)
        alerts.save(conn, lifecycle.unasked(alert, now))
        tell(
            conn,
            "question.withdrawn",
            tenant_id=device.tenant_id,
            subject_id=question.question_id,
            actor=by.actor,
            now=now,
            data={"alert_id": str(alert.alert_id), "device_id": device.device_id, "why": device.state},
        )
        ended += 1
    return ended
