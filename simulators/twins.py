"""What the devices of a crew are like, as they report it and obey it: set point, sampling period, firmware."""

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from devices.model import Catalogue
from simulators.crew import Crew
from simulators.incidents import FIRMWARE
from simulators.mix import Made
from simulators.told import Told

CADENCE_S = 60  # nobody measures more often
LONGEST_S = 86_400
_FIRST = 2  # the firmware is 1.4.2 at the beginning


class Twins:
    def __init__(self, made: Sequence[Made], crew: Crew, classes: Catalogue) -> None:
        self._crew, self._bands = crew, [classes[each.class_id].set_point_c for each in made]
        self._period_s = [CADENCE_S] * len(made)
        self._next_ms = [0] * len(made)  # when each measures again
        self._at_ms = crew.next_ms
        self._changes = deque(sorted((at_ms, i) for i, each in enumerate(made) for at_ms in _changes(each)))
        self._firmware = [_FIRST] * len(made)
        self._updates = [deque(sorted(_updates(each))) for each in made]
        self._told = [Told(self._state(i), self._version(i), partial(self._obey, i)) for i in range(len(made))]

    def told(self, i: int) -> Told:
        return self._told[i]

    def measures(self, i: int, due_ms: int) -> bool:
        """Whether it is time for that reading again, by the period that it was told."""
        if due_ms < self._next_ms[i]:
            return False
        self._next_ms[i] = due_ms + (self._period_s[i] - CADENCE_S // 2) * 1000
        return True

    def changed(self, at_ms: int) -> Iterator[int]:
        """Devices that are no longer as they said, because somebody turned a knob or a firmware came."""
        self._at_ms = at_ms
        while self._changes and self._changes[0][0] <= at_ms:
            _, i = self._changes.popleft()
            while self._updates[i] and self._updates[i][0] <= at_ms:
                self._updates[i].popleft()
                self._firmware[i] += 1
                self._told[i].firmware = self._version(i)
            self._told[i].state |= self._state(i)
            yield i

    def _version(self, i: int) -> str:
        return f"1.4.{self._firmware[i]}"

    def _state(self, i: int) -> dict[str, Any]:
        state: dict[str, Any] = {"sampling_period_s": self._period_s[i]}
        set_point_c = self._crew.set_point_c(i, self._at_ms) if self._bands[i] is not None else None
        return state if set_point_c is None else state | {"set_point_c": round(set_point_c, 1)}

    def _obey(self, i: int, name: str, value: Any) -> Any:
        """Within what it can do; of a setting that moves nothing here it is what was desired."""
        if name == "sampling_period_s":
            self._period_s[i] = min(max(-(-int(value) // CADENCE_S) * CADENCE_S, CADENCE_S), LONGEST_S)
            return self._period_s[i]
        if name == "set_point_c":
            band = self._bands[i]
            if band is None:
                return None
            wanted_c = min(max(float(value), band[0]), band[1])
            self._crew.obey(i, wanted_c, self._at_ms)
            return wanted_c
        return value


def _updates(made: Made) -> Iterator[int]:
    """When a firmware came."""
    for incident in made.unit.incidents:
        if incident.name in FIRMWARE:
            yield incident.at_ms
            if incident.until_ms is not None:
                yield incident.until_ms


def _changes(made: Made) -> Iterator[int]:
    yield from _updates(made)
    yield from (incident.at_ms for incident in made.unit.incidents if incident.name == "set_point")
