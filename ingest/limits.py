"""What a message may be, decided in one place for the fast and the careful reading of it."""

from ingest.model import Reason

PAYLOAD_BYTES = 64 * 1024
DEPTH = 8
READINGS = 400
RECORDS = 4000  # of a SenML pack: ten metrics at each of as many times as an array may have readings
FLAWS = 1000  # of one message that are stored one by one: 64 KiB of rubbish could otherwise be 65,000 rows
AGAIN_BYTES = 8 * PAYLOAD_BYTES  # of one message's refusals together; honest ones hardly ever say a thing twice
KEYS = 256
NAME_CHARS = 128  # of a metric that nobody declared
TEXT_BYTES = 1024  # of a text in `extra`
PATH_CHARS = 1024  # of an edge node's name for a metric: who goes by an alias has it in each message
NUMBER = float(2**63)  # beyond it integers of devices have overflowed, and nothing measured is as large

OLDEST_MS = 1_262_304_000_000  # 2010-01-01: no appliance that reports is older, but unset clocks are
AHEAD_MS = 600_000
NEWEST_MS = 253_402_300_799_999  # the end of the year 9999
_YEAR_1_MS = -62_135_596_800_000
_SECONDS = range(1_000_000_000, 10_000_000_000)  # 2001 to 2286 in seconds; in ms a few days of 1970


def ts_flaw(ts_ms: int, received_ms: int) -> tuple[Reason, str] | None:
    """Why a device's time cannot be believed, measured by the log's clock."""
    if OLDEST_MS <= ts_ms <= received_ms + AHEAD_MS:
        return None
    if not has_date(ts_ms):
        return Reason.TS_OUT_OF_RANGE, "beyond the years 1 to 9999"
    if ts_ms in _SECONDS:
        return Reason.TS_IN_SECONDS, f"{ts_ms} would make sense as seconds; ts is in milliseconds"
    if ts_ms < OLDEST_MS:
        return Reason.TS_TOO_OLD, "before 2010"
    return Reason.TS_IN_FUTURE, f"{(ts_ms - received_ms) / 60_000:.0f} min ahead of the log's clock"


def has_date(ts_ms: int) -> bool:
    """Whether every calendar that reads it later has this moment."""
    return _YEAR_1_MS <= ts_ms <= NEWEST_MS
