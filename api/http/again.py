"""Refusals go through the front door again: their bytes into the log, on the device's own subject."""

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field

from api.http.house import House
from ingest import refusals
from ingest.adapter_wire import Wire
from ingest.decode import decode
from ingest.directory import Directory
from ingest.model import FIRST_MS, Message, RefusalFilter
from ingest.refusals import Again

AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some of the refusals that are asked for: those above `after`, up to `up_to`, in the log's order."""

    asked: RefusalFilter
    after: int = 0
    up_to: int | None = None
    limit: int = AT_ONCE


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`after`: where the next page begins, None after the last. `matching`: on this page and after it. `refused`: by
    reason, how many messages of a trial would be refused for it again."""

    sent: int
    matching: int
    after: int | None
    up_to: int
    refused: dict[str, int] = field(default_factory=dict)


def replay(house: House, page: Page) -> Outcome:
    """Published first, marked then: a replay that breaks off between the two is done again, and the log drops the
    repeats of the next two minutes by their id, the record all others by their key. Raises LogError."""
    outcome, found = _look(house, page)
    sent: dict[int, int] = {}
    try:
        with closing(Wire(house.settings.nats_url.get_secret_value())) as wire:
            for each in found:
                sent[each.refusal_no] = wire.publish(each.subject, each.payload, each.headers)
    finally:
        if sent:
            with house.acting() as conn:
                refusals.mark_replayed(conn, sent, page.asked, by=house.scope(), now=house.clock())
    return outcome


def trial(house: House, page: Page) -> Outcome:
    """What would be refused again, as far as that can be said without the record (which knows of conflicts)."""
    outcome, found = _look(house, page)
    now_ms = int(house.clock().timestamp() * 1000)
    messages = [_as_read(seq, each, now_ms) for seq, each in enumerate(found)]
    if not messages:
        return outcome
    with house.looking() as conn:
        sources = Directory(house.catalogue).sources(conn, messages)
    again = decode(messages, sources, house.catalogue).refusals
    by_message = {refusal.seq: refusal.reason.value for refusal in reversed(again)}
    return Outcome(**{**outcome.__dict__, "refused": dict(Counter(by_message.values()))})


def _look(house: House, page: Page) -> tuple[Outcome, list[Again]]:
    with house.looking() as conn:
        matching, newest = refusals.count_replayable(conn, page.asked, after=page.after, up_to=page.up_to)
        found = refusals.replayable(conn, page.asked, after=page.after, up_to=page.up_to, limit=page.limit)
    last = found[-1].refusal_no if len(found) == page.limit else None
    return Outcome(sent=len(found), matching=matching, after=last, up_to=page.up_to or newest), found


def _as_read(seq: int, again: Again, now_ms: int) -> Message:
    """As the worker will read it from the log."""
    subject = f"log.0{again.subject.removeprefix('fm')}"
    return Message(seq, now_ms, subject, again.payload, int(again.headers[FIRST_MS]))
