"""Readings are kept and read back. Reading goes through the tenant's views; keeping is the worker's alone."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from psycopg import Connection

from devices.model import ApplianceClass, Catalogue
from ingest import aggregates, curves, layout, layout_aggregates, limits, merge, refusals, store, topics
from ingest.clock import WRONG_MS, Clock, judge
from ingest.model import Batch, Counts, Newest, Refusal, Window
from ingest.resolution import levels
from ingest.slots import WHOLE, Span

_READINGS_OF_CLOCK, _MESSAGES_OF_CLOCK = 2_000, 200
_PRESS_SLACK = timedelta(seconds=WRONG_MS / 1000)  # what a clock may be off by and still counts as right
_DEVICES_AT_ONCE = 64  # of the fold: four days of them at one reading a minute are 370,000 rows


@dataclass(frozen=True, kw_only=True)
class Kept:
    """`new`: the readings that the record did not have, in the batches' order, as their first messages said them.
    `refusals`: all there were, those included that only the record could know of (CONFLICT, TOO_MANY_KEYS)."""

    new: list[Batch]
    refusals: list[Refusal]


def keep(
    conn: Connection[Any],
    catalogue: Catalogue,
    batches: Sequence[Batch],
    refused: Sequence[Refusal],
    first_ms: Mapping[int, int] | None = None,
    *,
    hopeful: bool = False,
    early: Collection[int] = (),
) -> Kept:
    """Write readings and refusals; the caller commits. Each batch has one row a (device, ts), as decode gives it;
    `first_ms` as decode says it.

    `hopeful`: as if the record had nothing of them but what was written `early` (by seq), which costs little more than
    half; where it had, raises psycopg.errors.UniqueViolation and the transaction is over.
    """
    new: list[Batch] = []
    unfit: list[merge.Unfit] = []
    sealed_ms = aggregates.sealed(conn, batches)
    for batch in batches:
        appliance = catalogue[batch.class_id]
        if hopeful:
            store.append(conn, appliance, batch.where(~np.isin(batch.seq, list(early))) if early else batch)
            new.append(merge.first_said(batch))
            continue
        if store.insert(conn, appliance, batch) == len(batch):
            new.append(merge.first_said(batch))
            continue
        fresh, lacking, beside = _compare(conn, appliance, batch)
        new += [merge.first_said(fresh)] if len(fresh) else []
        if len(lacking):
            store.fill(conn, appliance, lacking)
        unfit += beside
    aggregates.mark(conn, batches, sealed_ms)
    # in the log's order, as if each had come by itself: what came first is stored, what came last was seen last
    every = sorted([*refused, *_refused(conn, unfit)], key=lambda refusal: refusal.seq)
    if every:
        refusals.keep(conn, every, first_ms or {})
    return Kept(new=new, refusals=every)


def write_early(conn: Connection[Any], catalogue: Catalogue, batches: Sequence[Batch]) -> list[Batch]:
    """Readings whose messages will be kept in their turn, each device's in log order; the caller commits. Those that
    the record did not have, and now has."""
    sealed_ms = aggregates.sealed(conn, batches)
    written = []
    for batch in batches:
        appliance = catalogue[batch.class_id]
        whole = store.insert(conn, appliance, batch) == len(batch)
        written.append(batch if whole else _compare(conn, appliance, batch)[0])
    aggregates.mark(conn, batches, sealed_ms)
    return written


def kept_before(conn: Connection[Any], catalogue: Catalogue, batches: Sequence[Batch]) -> list[Batch]:
    """Of readings that come from the log once more, those that were new when they were kept, as `keep` gave them."""
    found = [_compare(conn, catalogue[batch.class_id], batch)[0] for batch in batches]
    return [merge.first_said(fresh) for fresh in found if len(fresh)]


def _compare(conn: Connection[Any], appliance: ApplianceClass, batch: Batch) -> tuple[Batch, Batch, list[merge.Unfit]]:
    """The readings that were new, those that say what the stored one lacks, as far as it has room for that, and what
    cannot stand beside it. A flush that comes twice is neither: it is compared a column at a time, and looked at only
    where it differs."""
    fresh, lacking = np.zeros((2, len(batch)), dtype=np.bool_)
    rows = list(store.stored(conn, appliance, batch))
    if not rows:
        return batch.where(fresh), batch.where(lacking), []
    places, seqs, extras, *columns = zip(*rows, strict=True)
    place, there = np.array(places), np.array(columns, dtype=np.float64).T
    fresh[place] = batch.seq[place] == np.array(seqs)
    lacking[place] = ~fresh[place] & merge.fills(batch, place, there, extras)
    unfit: list[merge.Unfit] = []
    extra = list(batch.extra)
    for i in np.flatnonzero(~fresh[place] & merge.may_differ(batch, place, there, extras)).tolist():
        row = places[i]
        unfit += merge.differences(batch, row, appliance.metric_names, there[i], extras[i])
        extra[row], excess = merge.fitting(batch, row, extra[row], extras[i])
        unfit += excess
    return batch.where(fresh), replace(batch, extra=extra).where(lacking), unfit


def _refused(conn: Connection[Any], unfit: Sequence[merge.Unfit]) -> list[Refusal]:
    if not unfit:
        return []
    senders = store.find_senders(conn, sorted({each.device_no for each in unfit}))
    return [
        merge.refusal(each, topic=topics.telemetry(tenant_id, device_id), tenant_id=tenant_id)
        for each in unfit
        for tenant_id, device_id in [senders[each.device_no]]
    ]


def devices(conn: Connection[Any], appliance: ApplianceClass, span: Span) -> list[int]:
    """Of the class, those whose messages the partition has."""
    return store.find_class_devices(conn, appliance.class_id, span)


def remembered(
    conn: Connection[Any], appliance: ApplianceClass, cursor: int, span: Span = WHOLE, days: int = 4
) -> Iterator[Batch]:
    """For the fold at start, some of a partition's devices at a time: of each the readings of the last days before its
    newest one, up to the cursor, as their first messages said them, ordered by (device, seq, ts). `extra` is left out:
    no detector reads it."""
    ours = devices(conn, appliance, span)
    for start in range(0, len(ours), _DEVICES_AT_ONCE):
        some = ours[start : start + _DEVICES_AT_ONCE]
        batch = store.remembered(conn, appliance, some, cursor, timedelta(days=days))
        if batch is not None:
            yield batch


def window(
    conn: Connection[Any],
    appliance: ApplianceClass,
    device_no: int,
    metrics: Sequence[str],
    from_ms: int,
    to_ms: int,
    max_points: int = 2000,
) -> Window:
    """A curve of at most `max_points`: the readings themselves if they are few, else bounds of stretches, which lose no
    peak of a reading that is in the record when this is called. Of readings that are forgotten whole hours remain."""
    span_ms = (from_ms, min(to_ms + 1, limits.NEWEST_MS))
    return curves.read(conn, appliance, device_no, metrics, span_ms, max_points)


def newest(conn: Connection[Any], appliance: ApplianceClass, device_no: int) -> Newest | None:
    return store.newest(conn, appliance, device_no)


def presses(
    conn: Connection[Any], appliance: ApplianceClass, device_no: int, since: datetime, until: datetime
) -> list[datetime]:
    """When the log received that a button of the device was pressed, which it says as `"button": 1` among its metrics.

    A press is one of now: as old as the device's clock says, which may be wrong by as much as we have learned of it."""
    offset = timedelta(milliseconds=clock(conn, appliance, device_no).offset_ms or 0)
    own_time = (since + offset - _PRESS_SLACK, until + offset + _PRESS_SLACK)
    return store.presses(conn, appliance, device_no, own_time=own_time, received=(since, until))


def forget(
    conn: Connection[Any], appliance: ApplianceClass, now: datetime, after: int, *, devices: int, rows: int
) -> int | None:
    """Readings, then aggregates, that are older than the class keeps them: at most `rows` of each of at most `devices`
    devices above `after`; the caller commits. Where to go on, or None after the last device."""
    tables = [(layout.table(appliance.class_id), "ts", now - aggregates.readings_kept(appliance))]
    for level in levels(appliance.cadence_s):
        before = now - aggregates.level_kept(appliance, level)
        tables.append((layout_aggregates.table(level, appliance.class_id), "begins", before))
    ends = [store.forget(conn, appliance.class_id, *each, after, devices, rows) for each in tables]
    if any(gone == rows for _, _, gone in ends):
        return after
    last, looked, _ = ends[0]
    return last if looked == devices else None


def clock(conn: Connection[Any], appliance: ApplianceClass, device_no: int) -> Clock:
    """What the device's clock is worth, by its last messages."""
    return judge(store.lateness_ms(conn, appliance, device_no, _READINGS_OF_CLOCK, _MESSAGES_OF_CLOCK))


def counts(
    conn: Connection[Any],
    appliance: ApplianceClass,
    device_no: int,
    from_ms: int | None = None,
    to_ms: int | None = None,
) -> Counts:
    span_ms = (limits.OLDEST_MS if from_ms is None else from_ms, limits.NEWEST_MS if to_ms is None else to_ms)
    return store.counts(conn, appliance, device_no, span_ms)
