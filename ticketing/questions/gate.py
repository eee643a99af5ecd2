"""May the customer be asked about this alert now? Pass, hold until a moment, or no, each with its reasons."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from ticketing.alerts.model import Condition, Engagement
from ticketing.model import Severity
from ticketing.questions.local_time import end_of_quiet, local, tomorrow_at
from ticketing.questions.model import AskPolicy, Code, Decision, Facts, Verdict

CAUGHT_UP = timedelta(minutes=15)  # a device that reports each minute, and a few that were lost
FALLEN_SILENT = timedelta(minutes=10)  # nothing more is on its way
STILL_NEWS = timedelta(hours=24)  # an older state of the device is no reason to ask
SHORTLY = timedelta(seconds=5)
LATER = timedelta(minutes=1)
NOW_AND_THEN = timedelta(minutes=10)
AFTER_REPAIR = timedelta(days=1)  # what was repaired has time to look usual again
BACK_IN_SERVICE = timedelta(days=1)  # a device that was put aside may be put up again
_MAY_BE_ASKED = (Engagement.NONE, Engagement.DECLINED, Engagement.CONFIRMED)


def decide(facts: Facts, policy: AskPolicy, now: datetime) -> Decision:
    over = _over(facts)
    if over is not None:
        return over
    behind = _behind(facts, now)
    if behind is not None:
        return behind
    if facts.open_ticket_id is not None and facts.open_ticket_id == facts.ticket_id:
        return Decision(verdict=Verdict.HOLD, codes=(Code.TICKET_OPEN,), look_at=now + NOW_AND_THEN)
    if facts.open_ticket_id is not None:
        return Decision(verdict=Verdict.JOIN, codes=(Code.TICKET_OPEN,))
    holds = dict(_holds(facts, policy, now))
    if holds:
        return Decision(verdict=Verdict.HOLD, codes=tuple(holds), look_at=max(holds.values()))
    return Decision(verdict=Verdict.ASK)


def _over(facts: Facts) -> Decision | None:
    """What is left to do when there is nothing more to ask about."""
    if facts.condition is Condition.CLEARED:
        if facts.engagement is Engagement.WITHDRAWN:
            return Decision(verdict=Verdict.WITHDRAW, codes=(Code.CLEARED,))
        verdict = Verdict.NO if facts.ticket_id is None else Verdict.NOTE
        return Decision(verdict=verdict, codes=(Code.CLEARED,))
    if facts.engagement not in _MAY_BE_ASKED:
        return Decision(verdict=Verdict.NO, codes=(Code.ENGAGED,))
    if facts.keep_time:
        return Decision(verdict=Verdict.NO, codes=(Code.KEEP_TIME,))
    return None


def _behind(facts: Facts, now: datetime) -> Decision | None:
    """Is the alert still ACTIVE at the watermark? While the past is being caught up, "ACTIVE" may be long over. What is
    out of service is asked about when it serves again."""
    if not facts.in_service:
        return Decision(verdict=Verdict.HOLD, codes=(Code.OUT_OF_SERVICE,), look_at=now + BACK_IN_SERVICE)
    newest, received = facts.newest_at, facts.received_at
    if newest is None or received is None:
        return Decision(verdict=Verdict.HOLD, codes=(Code.BEHIND,), look_at=now + SHORTLY)
    if now - newest <= CAUGHT_UP:
        return None
    if now - received < FALLEN_SILENT:
        return Decision(verdict=Verdict.HOLD, codes=(Code.BEHIND,), look_at=now + SHORTLY)
    if now - newest < STILL_NEWS:
        return None
    return Decision(verdict=Verdict.HOLD, codes=(Code.GONE_QUIET,), look_at=now + NOW_AND_THEN)


def _holds(facts: Facts, policy: AskPolicy, now: datetime) -> Iterator[tuple[Code, datetime]]:
    if facts.time_zone is None:
        yield Code.NO_CUSTOMER, now + NOW_AND_THEN
        return
    if facts.ticket_ended_at is not None and facts.ticket_ended_at + AFTER_REPAIR > now:
        yield Code.REPAIRED, facts.ticket_ended_at + AFTER_REPAIR
    if facts.shelved_until is not None and facts.shelved_until > now:
        yield Code.SHELVED, facts.shelved_until
    if facts.question_open:
        yield Code.QUESTION_OPEN, now + LATER
    if facts.severity is Severity.CRITICAL:
        return
    if facts.last_asked_at is not None and _same_day(facts.last_asked_at, now, facts.time_zone):
        yield Code.BUDGET, tomorrow_at(now, time(), facts.time_zone)
    quiet_until = end_of_quiet(now, policy.quiet, facts.time_zone) if policy.quiet else None
    if quiet_until is not None:
        yield Code.QUIET_HOURS, quiet_until


def _same_day(one: datetime, other: datetime, time_zone: str) -> bool:
    return local(one, time_zone).date() == local(other, time_zone).date()
