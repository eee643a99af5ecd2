"""When it is tomorrow, morning or night for a customer."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def from_ms(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, tz=UTC)


def local(at: datetime, time_zone: str) -> datetime:
    return at.astimezone(zone(time_zone))


def tomorrow_at(at: datetime, clock: time, time_zone: str) -> datetime:
    """The customer's tomorrow at `clock`, in UTC."""
    day = local(at, time_zone).date() + timedelta(days=1)
    return datetime.combine(day, clock, tzinfo=zone(time_zone)).astimezone(UTC)


def end_of_quiet(at: datetime, quiet: tuple[time, time], time_zone: str) -> datetime | None:
    """When the quiet hours that `at` lies in end; None outside of them. They may cross midnight."""
    begin, end = quiet
    here = local(at, time_zone)
    clock = here.time()
    inside = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not inside:
        return None
    day = here.date() + timedelta(days=1 if clock >= end else 0)
    return datetime.combine(day, end, tzinfo=zone(time_zone)).astimezone(UTC)


def zone(name: str) -> ZoneInfo:
    """A zone that this machine does not know counts as UTC: nobody may stay unasked for a spelling."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
