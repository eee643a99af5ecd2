"""Values that come one by one, each with its time, gathered into readings: of one time they are one reading."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from ingest import limits
from ingest.model import Reason
from ingest.payloads.model import Reading, UnreadableError

T = TypeVar("T")  # what said a value


class Moments(Generic[T]):
    """Of one message. A metric that stands twice at one time stands nowhere: nobody knows which is right."""

    def __init__(self, declared: Mapping[str, str]) -> None:
        self._declared = declared
        self._readings: dict[int, Reading] = {}
        self._said: dict[int, dict[str, T]] = {}

    def put(self, ts_ms: int, metric: str, value: Any, said: T) -> T | None:
        """A value that nothing is wrong with; what said this metric at this time before, if anything did."""
        reading = self._readings.get(ts_ms)
        if reading is None:
            reading = self._readings[ts_ms] = Reading(ts_ms=ts_ms, values={}, extra={})
        first = self._said.setdefault(ts_ms, {}).setdefault(metric, said)
        if first is not said:
            reading.values.pop(metric, None)
            reading.extra.pop(metric, None)
            return first
        if metric in self._declared:
            reading.values[metric] = float(value)
        else:
            reading.extra[metric] = value
        return None

    def readings(self) -> list[Reading]:
        """Raises UnreadableError when they are too many, or one too wide."""
        if len(self._readings) > limits.READINGS:
            detail = f"values of {len(self._readings)} times in one message; {limits.READINGS} are allowed"
            raise UnreadableError(Reason.TOO_MANY_READINGS, detail)
        widest = max(map(len, self._said.values()), default=0)
        if widest > limits.KEYS:
            raise UnreadableError(Reason.TOO_MANY_KEYS, f"{widest} metrics of one time; {limits.KEYS} are allowed")
        return [each for each in self._readings.values() if each.values or each.extra]
