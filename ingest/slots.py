"""Which slot of the log a device has: NATS reckons it when a message is stored, we when we learn from the record.

NATS' `partition(n, 1, 2)` is FNV-1a, 32 bits, over the two words one after the other, modulo n
(https://docs.nats.io/nats-concepts/subject_mapping#deterministic-subject-token-partitioning).
"""

from dataclasses import dataclass

_OFFSET, _PRIME = 2166136261, 16777619
SLOTS_OF_ONE = 64  # of a log that one worker reads whole


def slot(tenant_id: str, device_id: str, slots: int) -> int:
    value = _OFFSET
    for byte in f"{tenant_id}{device_id}".encode():
        value = ((value ^ byte) * _PRIME) & 0xFFFFFFFF
    return value % slots


@dataclass(frozen=True, kw_only=True)
class Span:
    """The slots of a partition, from `first` to `last`, out of the `of` that the record knows."""

    first: int = 0
    last: int = SLOTS_OF_ONE - 1
    of: int = SLOTS_OF_ONE

    @property
    def whole(self) -> bool:
        return self.last - self.first + 1 == self.of

    @property
    def subject(self) -> str | None:
        """What a reader of this partition listens to; None: to everything, which costs the log least.

        A partition of a log that is shared is one slot: several filters in one consumer cost NATS sixty times as much.
        """
        return None if self.whole else f"log.{self.first}.>"

    def has(self, tenant_id: str, device_id: str) -> bool:
        return self.whole or self.first <= slot(tenant_id, device_id, self.of) <= self.last


WHOLE = Span()
