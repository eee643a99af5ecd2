"""What is well and what is not, decided from how the house stands; each a name, a state and one sentence."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from api.schema import SCHEMA_VERSION
from api.watch.pulse import LOOPS
from api.watch.standing import LogStanding, RecordStanding, Standing
from ingest.adapter_log import Front

STILL_S = 15.0  # longer than a lease: whoever reads has moved by then, or somebody else has taken over
SILENT_S = 30.0  # several pulses of a loop, also of one that is busy with a full batch
FILLED = 0.8
ALARM_S = 3600.0  # for so long somebody is told of what a device was denied
DOOR = "door"  # its loop's pulse
DENIED = {
    "PUBLISH": "messages to topics of others, which are acknowledged and lost",
    "SUBSCRIBE": "subscriptions to topics of others",
    "LIMITED": "guesses of passwords beyond the limit",
}
_NAMED = 3


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Check:
    """`remedy` is what a person does about it, where a sentence can say that."""

    name: str
    state: State
    sentence: str
    remedy: str = ""


def ok(name: str, sentence: str) -> Check:
    return Check(name=name, state=State.OK, sentence=sentence)


def warning(name: str, sentence: str, remedy: str = "") -> Check:
    return Check(name=name, state=State.WARNING, sentence=sentence, remedy=remedy)


def failed(name: str, sentence: str, remedy: str = "") -> Check:
    return Check(name=name, state=State.FAILED, sentence=sentence, remedy=remedy)


def worst(checks: list[Check]) -> State:
    states = {check.state for check in checks}
    return next((state for state in (State.FAILED, State.WARNING) if state in states), State.OK)


def readiness(standing: Standing) -> list[Check]:
    return [*_of_record(standing), *_of_log(standing.log)]


def _of_record(standing: Standing) -> Iterator[Check]:
    record, log = standing.record, standing.log
    if isinstance(record, str):
        yield failed("record", f"The database does not answer: {record}", "Start it, or set FOREMEND_DSN.")
        return
    yield ok("record", "The database answers.")
    yield schema(record.schema_version)
    if record.schema_version is None:
        return
    yield worker(record)
    if isinstance(log, LogStanding):
        yield cursor(record, log)
    yield relay(record)
    if standing.signs_in:
        yield door(record)
        yield denied(record)


def schema(version: int | None) -> Check:
    if version == SCHEMA_VERSION:
        return ok("schema", f"The schema has version {version}.")
    found = "no version that we may read" if version is None else f"version {version}"
    remedy = "Upgrade Foremend." if (version or 0) > SCHEMA_VERSION else "Run: foremend migrate"
    return failed("schema", f"The schema has {found}; this Foremend needs {SCHEMA_VERSION}.", remedy)


def worker(record: RecordStanding) -> Check:
    """The lease of the partition that is worst off."""
    start = "Start it: foremend worker"
    leases = [partition.lease_left_s for partition in record.partitions]
    if all(left_s is None for left_s in leases):
        return failed("worker", "No worker has ever read the log.", start)
    orphans = [_orphan(number, left_s) for number, left_s in enumerate(leases) if left_s is None or left_s < 0]
    left_s = min(left_s or 0.0 for left_s in leases)
    if orphans and len(leases) > 1:
        some = f", {', '.join(orphans[1:_NAMED])}" if orphans[1:] else ""
        more = f" and {len(orphans) - _NAMED} more" if len(orphans) > _NAMED else ""
        return failed("worker", f"{orphans[0]}{some}{more}: each needs a worker of its own.", start)
    if orphans:
        return failed("worker", f"No worker lives: the last one's lease ran out {-left_s:.0f} s ago.", start)
    if len(leases) > 1:
        return ok("worker", f"Each of {len(leases)} partitions has its worker.")
    return ok("worker", f"The worker lives; its lease runs {left_s:.0f} s more.")


def _orphan(number: int, left_s: float | None) -> str:
    if left_s is None:
        return f"Partition {number} never had a worker"
    return f"Partition {number} has had no worker for {-left_s:.0f} s"


def cursor(record: RecordStanding, log: LogStanding) -> Check:
    if log.unread == 0:
        return ok("cursor", "Everything in the log is in the record.")
    behind = f"{log.unread} messages are not in the record yet"
    still_s = max((partition.still_s for partition in record.partitions if partition.still_s is not None), default=None)
    stands = still_s is None or still_s > STILL_S
    if stands and (log.unread_s is None or log.unread_s > STILL_S):
        since = "was never moved" if still_s is None else f"has not moved for {still_s:.0f} s"
        return failed("cursor", f"{behind}, and the cursor {since}.", "See the worker's log.")
    waited = "" if log.unread_s is None else f", the oldest for {log.unread_s:.1f} s"
    return ok("cursor", f"{behind}{waited}; the worker is reading.")


def relay(record: RecordStanding) -> Check:
    start = "Start it: foremend relay"
    ages = {beat.loop: beat.age_s for beat in record.beats}
    missing = [loop for loop in LOOPS if loop not in ages]
    if missing:
        return failed("relay", f"The relay has never run: nothing heard of {', '.join(missing)}.", start)
    silent = [loop for loop in LOOPS if ages[loop] > SILENT_S]
    if silent:
        longest = max(ages[loop] for loop in silent)
        return failed("relay", f"The relay is silent: {', '.join(silent)} for {longest:.0f} s.", start)
    return ok("relay", "The relay lives; all of its loops turn.")


def door(record: RecordStanding) -> Check:
    """Without it nobody comes in; whoever is in stays."""
    age_s = next((beat.age_s for beat in record.beats if beat.loop == DOOR), None)
    start = "Start it: foremend door"
    if age_s is None:
        return failed("door", "Devices must sign in, and the door that lets them in has never run.", start)
    if age_s > SILENT_S:
        return failed("door", f"The door is silent for {age_s:.0f} s: no device that was away can come back.", start)
    unreadable = record.door.get("LOG_UNREADABLE")
    if unreadable is not None and unreadable.age_s < SILENT_S:
        remedy = "Let foremend door read the files that FOREMEND_BROKER_LOGS names."
        return warning("door", "The door lives, but cannot read NATS' log: what it denies is not counted.", remedy)
    return ok("door", "The door lives; devices sign in.")


def denied(record: RecordStanding) -> Check:
    """What a device wanted to say where it may not is acknowledged and gone: nobody else would notice."""
    lately = [word for what, word in DENIED.items() if (said := record.door.get(what)) and said.age_s < ALARM_S]
    if not lately:
        return ok("denied", "For an hour no device wanted what it may not.")
    words = f"Within the last hour there were {' and '.join(lately)}."
    return warning("denied", words, "Which devices, and what: foremend credentials denied, or the device's page.")


def _of_log(log: LogStanding | str) -> Iterator[Check]:
    if isinstance(log, str):
        yield failed("log", f"The log does not answer: {log}", "Start NATS, or set FOREMEND_NATS_URL.")
        return
    yield ok("log", f"The log answers; it holds {log.head.messages} messages.")
    yield log_room(log)
    if log.head.fronts:
        yield fronts(log.head.fronts)


def fronts(drawn_from: tuple[Front, ...]) -> Check:
    silent = [front for front in drawn_from if front.silent_s is None or front.silent_s > SILENT_S]
    if not silent:
        behind = sum(front.lag for front in drawn_from)
        return ok("fronts", f"The log draws from {len(drawn_from)} fronts, and {behind} messages are on their way.")
    since = ", ".join(f"{front.name} ({_for_how_long(front.silent_s)})" for front in silent)
    remedy = "Start them on their own disks: what they acknowledged and had not passed on comes then, and only then."
    return warning("fronts", f"Fronts that the log does not hear: {since}.", remedy)


def _for_how_long(silent_s: float | None) -> str:
    return "never" if silent_s is None else f"for {silent_s:.0f} s"


def log_room(log: LogStanding) -> Check:
    if log.fill is None or log.stored_bytes is None or log.limit_bytes is None:
        return warning("log_room", "The server does not say how full the log is.", "See docs/reference/operations.md.")
    said = f"{log.fill:.0%} of {log.limit_bytes / 1e9:.1f} GB are used"
    if log.fill < FILLED:
        return ok("log_room", f"The log has room: {said}.")
    if log.fill >= 1:
        remedy = "Let the worker read: what it has read makes room by itself. If it reads, give NATS more room."
        return failed("log_room", f"The log is full, no device is acknowledged: {said}.", remedy)
    remedy = "See that the worker reads, and give NATS more room: full, it acknowledges nothing."
    return warning("log_room", f"The log is filling up: {said}.", remedy)
