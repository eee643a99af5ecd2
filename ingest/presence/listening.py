"""Since when devices can reach us, and when they could not: after we were down nobody is offline."""

from dataclasses import dataclass

from ingest.presence.model import Cause

DOWN_MS = 30_000  # of a worker that is away for less nobody needs to hear; an upgrade takes so long


@dataclass(frozen=True, kw_only=True)
class Listening:
    """`since_ms`: since when devices can reach us without a gap; `heard_ms`: until when we know that. Of the log."""

    since_ms: int
    heard_ms: int


@dataclass(frozen=True, kw_only=True)
class Gap:
    """We did not listen (or, WORKER_DOWN, did not judge)."""

    since_ms: int
    until_ms: int
    cause: Cause


def after(
    before: Listening | None, now_ms: int, started_ms: int | None, broken: Cause | None
) -> tuple[Listening, Gap | None]:
    """At a moment at which the log stores what comes. `started_ms`: when its server started, None where it does not say
    so; `broken`: why it was not to be had since `before`, as far as we saw."""
    if before is None:
        return Listening(since_ms=now_ms, heard_ms=now_ms), None
    away_ms = now_ms - before.heard_ms
    if broken is None and started_ms is not None and started_ms > before.heard_ms:
        return _resumed(started_ms, now_ms), _gap(before, started_ms, Cause.LOG_DOWN)
    if broken is not None or (started_ms is None and away_ms > DOWN_MS):
        return _resumed(now_ms, now_ms), _gap(before, now_ms, broken or Cause.LOG_DOWN)
    gap = _gap(before, now_ms, Cause.WORKER_DOWN) if away_ms > DOWN_MS else None
    return Listening(since_ms=before.since_ms, heard_ms=max(now_ms, before.heard_ms)), gap


def _resumed(since_ms: int, now_ms: int) -> Listening:
    return Listening(since_ms=since_ms, heard_ms=max(since_ms, now_ms))


def _gap(before: Listening, until_ms: int, cause: Cause) -> Gap:
    return Gap(since_ms=before.heard_ms, until_ms=max(until_ms, before.heard_ms), cause=cause)
