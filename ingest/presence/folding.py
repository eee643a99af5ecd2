"""Outages as facts over rows, so that it does not matter whose worker saw what: what fell together is one outage with
its children under it, and ends as one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from ingest.presence import store
from ingest.presence.listening import Gap
from ingest.presence.model import BridgeWord, Cause, Kind, State
from ingest.presence.silence import News
from ingest.presence.store import BrokerStanding, FallenSite
from ingest.store import moment

SITE_DEVICES = 3  # two that fall together are still a coincidence
SITE_SHARE = 0.8  # something of a site hangs on a battery or on another line
SLACK_MS = 120_000  # a will comes one and a half keep-alives after what stood behind it fell silent; 60 s is usual
BRIDGE_SILENCE = timedelta(seconds=30)  # three of its signs of life

_OFF = (State.SILENT, State.GONE, State.DEAD)
_SUBJECTS = {Cause.WORKER_DOWN: "worker"}  # the others are the log's


def is_site(fallen: FallenSite) -> bool:
    """Whether it is the site that is out."""
    all_there_were = fallen.fell + fallen.standing
    return fallen.alone >= SITE_DEVICES and fallen.fell >= SITE_SHARE * all_there_were


def write(conn: Connection[Any], news: News, now: datetime) -> None:
    """Into the record: who is back, who is out. The caller holds the lock."""
    if not len(news):
        return
    back = news.where(State.ONLINE, State.ASLEEP, State.AWAITED)
    store.keep_presence(conn, news)
    _end(conn, back.device_no.tolist(), back.since_ms.tolist())
    opened = store.open_outages(conn, news.where(*_OFF), now)
    if opened:
        _fold(conn, [each.outage_id for each in opened if each.kind is Kind.GATEWAY])
        for fallen in store.find_fallen_sites(conn, [each.device_no for each in opened]):
            if is_site(fallen):
                _open_site(conn, fallen, now)
        store.count_children(conn)


def prove(conn: Connection[Any], device_no: Sequence[int], at_ms: Sequence[int]) -> None:
    """These gateways are there: somebody behind them was heard."""
    store.await_gateways(conn, device_no, at_ms)
    _end(conn, device_no, at_ms)


def hear_bridges(conn: Connection[Any], words: Sequence[BridgeWord]) -> None:
    last = {(word.tenant_id, word.bridge_id): word for word in words}
    if last:
        store.keep_bridges(conn, list(last.values()))
        store.keep_brokers(conn, words)


def judge_brokers(conn: Connection[Any], now: datetime) -> None:
    """A broker is out when none of its bridges is connected to it. The caller holds the lock."""
    for standing in store.list_brokers(conn):
        if standing.connected and standing.outage_id is not None:
            store.end_outage(conn, standing.outage_id, standing.back_at or now)
            store.release_children(conn, [standing.outage_id])
        elif not standing.connected and standing.outage_id is None:
            _open_broker(conn, standing, now)


def needs_judging(brokers: Sequence[BrokerStanding]) -> bool:
    return any(broker.connected is (broker.outage_id is not None) for broker in brokers)


def we_were_out(conn: Connection[Any], gap: Gap, now: datetime) -> None:
    """It is one row, whoever of the workers sees it. The caller holds the lock."""
    subject = _SUBJECTS.get(gap.cause, "log")
    since, until = moment(gap.since_ms), moment(gap.until_ms)
    known = store.find_ours(conn, subject, since)
    if known is None:
        store.open_outage(conn, Kind.OURSELVES, "", subject, cause=gap.cause, since=since, until=until, now=now)
    elif known[1] is None:
        store.end_outage(conn, known[0], until)


def we_are_out(conn: Connection[Any], since: datetime, cause: Cause, now: datetime) -> None:
    """And it lasts."""
    store.open_outage(conn, Kind.OURSELVES, "", _SUBJECTS.get(cause, "log"), cause=cause, since=since, now=now)


def _end(conn: Connection[Any], device_no: Sequence[int], at_ms: Sequence[int]) -> None:
    if not device_no:
        return
    ended = store.end_outages(conn, device_no, at_ms)
    over = [each.outage_id for each in ended if each.kind is Kind.GATEWAY] + store.end_outages_above(conn, ended)
    if over:
        store.release_children(conn, over)


def _fold(conn: Connection[Any], outage_ids: list[Any]) -> None:
    if outage_ids:
        store.adopt_outages(conn, outage_ids, SLACK_MS)


def _open_site(conn: Connection[Any], fallen: FallenSite, now: datetime) -> None:
    known = store.open_outage(
        conn,
        Kind.SITE,
        fallen.tenant_id,
        fallen.site,
        cause=Cause.SILENCE,
        since=fallen.since,
        now=now,
        patience_ms=fallen.patience_ms,
    )
    _fold(conn, [known] if known else [])


def _open_broker(conn: Connection[Any], standing: BrokerStanding, now: datetime) -> None:
    silent = standing.heard_at < now - BRIDGE_SILENCE
    made = store.open_outage(
        conn,
        Kind.BROKER,
        standing.tenant_id,
        standing.broker,
        cause=Cause.SILENCE if silent else Cause.DISCONNECTED,
        since=standing.heard_at if silent else standing.since,
        now=now,
    )
    _fold(conn, [made] if made else [])
    store.count_children(conn)
