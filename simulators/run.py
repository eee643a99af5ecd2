"""What every simulated appliance, of whatever class, gives to those who send, write or judge it."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from simulators.days import Floats, Happened
from simulators.everyday import Incident
from simulators.model import Unit
from simulators.sensors import Ints


class Seen(Protocol):
    """What no sensor says, each (units, n)."""

    @property
    def fault_level(self) -> Floats:
        """0 healthy .. 1 the fault's full strength."""

    @property
    def shortfall(self) -> Floats:
        """From 1 on, for hours, it does not do what it is for."""


class Run(NamedTuple):
    """`ts_ms` (n,); `values` (units, n, metrics) in the class's order of metrics, NaN where nothing was said.
    `jitter_ms` (units, n): by how much later or earlier than that each was measured. `happened`: on the days that this
    run came to first, whenever on them."""

    ts_ms: Ints
    values: Floats
    truth: Any  # a Seen
    jitter_ms: Ints
    happened: Happened = []  # noqa: RUF012  never written to


class Plant(Protocol):
    """Units that live on: `advance` continues where the last call stopped, without a jump."""

    @property
    def units(self) -> Sequence[Unit]: ...

    @property
    def next_ms(self) -> int:
        """The time of the next reading."""

    @property
    def set_c(self) -> Floats:
        """(units,): what each thermostat was set to when it was made, NaN where there is none."""

    def obey(self, unit: int, incident: Incident) -> None:
        """Something happens to a unit that nobody knew beforehand. What was lived before stays as it was; who lives a
        day at once notices it on the next one."""

    def advance(self, steps: int) -> Run: ...
