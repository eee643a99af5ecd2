"""Which refusals are asked for, as form and API say it; and their bytes, as a person may see them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BeforeValidator, Field, StringConstraints

from ingest.model import Reason, RefusalFilter, StoredRefusal

STEP, MOST = 50, 500  # a page, of up to 64 KiB each
SHOWN_BYTES = 2048
_DAY = timedelta(days=1)


def _since(said: Any) -> Any:
    """A day begins with its midnight (UTC); empty fields of a form say nothing."""
    return _midnight(said) if isinstance(said, str) and len(said) == len("2026-11-20") else _aware(said)


def _before(said: Any) -> Any:
    """A day as the last one, a moment as the first that does not count."""
    if not isinstance(said, str) or len(said) != len("2026-11-20"):
        return _aware(said)
    try:
        return _midnight(said) + _DAY
    except OverflowError as error:  # the last day of the calendar
        raise ValueError("no such moment") from error


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)


def _aware(said: Any) -> Any:
    if not isinstance(said, str) or not said:
        return said or None
    moment = datetime.fromisoformat(said)
    return moment.replace(tzinfo=moment.tzinfo or UTC)


_Blank = BeforeValidator(lambda said: said or None)
DeviceId = Annotated[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None, _Blank]
Part = Annotated[Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] | None, _Blank]
Why = Annotated[Reason | None, _Blank]
Since = Annotated[datetime | None, BeforeValidator(_since)]
Before = Annotated[datetime | None, BeforeValidator(_before)]
Number = Annotated[int, Field(ge=0, le=2**62)]


def _asked(
    reason: Annotated[Why, Query()] = None,
    device: Annotated[DeviceId, Query(description="as the topic says it, registered or not")] = None,
    topic: Annotated[Part, Query(description="a part of it")] = None,
    since: Annotated[Since, Query(alias="from", description="a day (UTC) or a moment")] = None,
    before: Annotated[Before, Query(alias="to", description="the last day, or the moment after the last")] = None,
) -> RefusalFilter:
    return RefusalFilter(reason=reason, device_id=device, topic=topic, since=since, before=before)


Asked = Annotated[RefusalFilter, Depends(_asked)]


@dataclass(frozen=True, kw_only=True)
class RefusalRow:
    """Bytes from anywhere: bounded, and as text only with what cannot be seen written out."""

    refusal: StoredRefusal
    topic: str
    detail: str
    stranger: str  # whom nobody registered, else empty
    metric: str
    text: str
    hex: str
    size: int
    shown: int

    @property
    def cut(self) -> bool:
        return self.shown < self.size


def row(refusal: StoredRefusal) -> RefusalRow:
    shown = bytes(refusal.payload[:SHOWN_BYTES])
    return RefusalRow(
        refusal=refusal,
        topic=visible(refusal.topic[:300]),
        detail=visible(refusal.detail[:300]),
        stranger=visible(refusal.device_id) if _of_a_stranger(refusal) else "",
        metric=visible((refusal.metric or "")[:100]),
        text=visible(shown.decode("utf-8", "backslashreplace")),
        hex=shown.hex(" "),
        size=len(refusal.payload),
        shown=len(shown),
    )


def _of_a_stranger(refusal: StoredRefusal) -> bool:
    return refusal.reason == Reason.UNKNOWN_DEVICE and refusal.device_no is None


def visible(text: str) -> str:
    """Control characters, direction marks and the like as escapes: what is seen is what was sent."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
