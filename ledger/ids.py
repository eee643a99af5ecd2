"""UUIDv7 (RFC 9562, section 5.7): ids that sort by time and can be made where there is no database."""

import secrets
from datetime import UTC, datetime
from uuid import UUID


def uuid7(now: datetime) -> UUID:
    """48 bits of `now` in ms, 74 random bits."""
    ms = int(now.timestamp() * 1000)
    rand_a, rand_b = secrets.randbits(12), secrets.randbits(62)
    return UUID(int=ms << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)


def made_at(identifier: UUID) -> datetime:
    """The moment that a UUIDv7 carries, to the millisecond."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, tz=UTC)
