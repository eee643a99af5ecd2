"""UUIDv7 (RFC 9562, section 5.7): ids that sort by time and can be made where there is no database."""

import secrets
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

_COUNTER_BITS = 20
_made = count()  # `next` of it is one step of the interpreter: threads need no lock


def uuid7(now: datetime) -> UUID:
    """48 bits of `now` in ms, 12 of its microseconds, 20 that count, 42 random ones.

    What one process makes with the same `now` sorts in the order in which it was made: a transaction has one `now`,
    and its lines of the log must be read back in their order.
    """
    micros = round(now.timestamp() * 1_000_000)
    ms, rest = divmod(micros, 1000)
    rand_a = rest * 4096 // 1000
    rand_b = (next(_made) % (1 << _COUNTER_BITS)) << 42 | secrets.randbits(42)
    return UUID(int=ms << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)


def before(moment: datetime) -> UUID:
    """The bound below which everything is older than that moment, to the millisecond."""
    return UUID(int=round(moment.timestamp() * 1000) << 80)


def made_at(identifier: UUID) -> datetime:
    """The moment that a UUIDv7 carries, to the millisecond."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, tz=UTC)
