"""What a detector remembers: columns with one row a device, of one flat size for all."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from itertools import repeat
from typing import Any, Self

import numpy as np

from ingest.model import Ints


@dataclass
class Memory:
    """Base of the detectors' memories: every field is an array `(n_devices, ...)`, or a Memory in turn."""

    def columns(self) -> Iterator[tuple[str, Any]]:
        for column in fields(self):
            yield column.name, getattr(self, column.name)

    def take(self, rows: Ints) -> Self:
        """Copies of the rows; changing them changes nothing here."""
        return type(self)(**{name: v.take(rows) if isinstance(v, Memory) else v[rows] for name, v in self.columns()})

    def put(self, rows: Ints, taken: Self) -> None:
        for name, values in self.columns():
            if isinstance(values, Memory):
                values.put(rows, getattr(taken, name))
            else:
                values[rows] = getattr(taken, name)

    def joined(self, more: Self) -> Self:
        """These rows, then `more`."""
        pairs = ((name, values, getattr(more, name)) for name, values in self.columns())
        return type(self)(
            **{name: a.joined(b) if isinstance(a, Memory) else np.concatenate([a, b]) for name, a, b in pairs}
        )

    def arrays(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """Every array with a name that is its own, the arrays themselves and no copies."""
        for name, values in self.columns():
            if isinstance(values, Memory):
                yield from values.arrays(f"{prefix}/{name}")
            else:
                yield f"{prefix}/{name}", values

    def bytes_per_device(self) -> int:
        return sum(int(values[:1].nbytes) for _, values in self.arrays(""))


@dataclass
class Slots:
    """Which row of the memories is which device's. Slots are given in order of first sight and never taken back."""

    slot_of: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.slot_of)

    def device_no(self) -> Ints:
        """The devices in the order of their slots."""
        return np.fromiter(self.slot_of, np.int64, len(self.slot_of))

    def find(self, device_no: Ints) -> Ints:
        """The devices' slots; -1: not met yet."""
        slots = map(self.slot_of.get, device_no.tolist(), repeat(-1))
        return np.fromiter(slots, np.int64, len(device_no))

    def claim(self, device_no: Ints) -> Ints:
        """The devices' slots, new ones given to those not met yet."""
        slots = self.find(device_no)
        unknown = slots < 0
        if unknown.any():
            for number in device_no[unknown].tolist():
                self.slot_of[number] = len(self.slot_of)
            slots = self.find(device_no)
        return slots
