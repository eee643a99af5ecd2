"""Messages that are published into the log and not all stored, in the order in which they came."""

from collections.abc import Sequence


class UnderWay:
    """By their packet ids. MQTT wants them acknowledged in that order (3.1.1 and 5: 4.6), whatever the log's is."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._sizes: list[int] = []
        self._early: set[int] = set()  # stored, and waiting for an earlier one
        self._known: set[int] = set()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._ids)

    def knows(self, packet_ids: Sequence[int]) -> bool:
        """Any of them."""
        return not self._known.isdisjoint(packet_ids)

    def add(self, packet_ids: Sequence[int], sizes: Sequence[int]) -> None:
        self._ids += packet_ids
        self._sizes += sizes
        self._known.update(packet_ids)
        self.bytes += sum(sizes)

    def stored(self, packet_ids: list[int]) -> list[int]:
        """Those that may be acknowledged now."""
        if not self._early and self._ids[: len(packet_ids)] == packet_ids:
            done = packet_ids
        else:
            done = self._in_order(packet_ids)
        self.bytes -= sum(self._sizes[: len(done)])
        del self._ids[: len(done)], self._sizes[: len(done)]
        self._known.difference_update(done)
        return done

    def _in_order(self, packet_ids: list[int]) -> list[int]:
        self._early.update(packet_ids)
        first = next((place for place, each in enumerate(self._ids) if each not in self._early), len(self._ids))
        done = self._ids[:first]
        self._early.difference_update(done)
        return done
