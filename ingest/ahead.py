"""Messages of the log that were read before their turn, so that somebody can look at them."""

from bisect import bisect_left
from itertools import accumulate

from ingest.model import Message

MOST, MOST_BYTES = 10_000, 32 << 20  # NATS has no more bytes than that under way to us


class Ahead:
    """In log order; `size`: the bytes of their payloads."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.size = 0

    @property
    def is_full(self) -> bool:
        return len(self.messages) >= MOST or self.size >= MOST_BYTES

    def take(self, most: int, most_bytes: int) -> tuple[list[Message], int]:
        """The first ones, until they are so many or so large, and their bytes."""
        if not self.messages:
            return [], 0
        sizes = list(accumulate(len(message.payload) for message in self.messages[:most]))
        count = min(len(sizes), bisect_left(sizes, most_bytes) + 1)
        taken, self.messages = self.messages[:count], self.messages[count:]
        self.size -= sizes[count - 1]
        return taken, sizes[count - 1]
