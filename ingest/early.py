"""Who lives beside a flush of arrays does not wait until it is read: what devices say that have little waiting in the
log is written before its turn.

Written, and nothing else: in its turn a message is taken as ever, and by its seq the record knows what was written of
it. So the cursor stays the only truth, and a worker that is killed in between has neither lost nor doubled anything.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain

import numpy as np

from ingest.decode import Decoded
from ingest.model import Batch, Message
from ingest.topics import Source

MOST = 1000  # messages at once
_LITTLE = 0.25  # of what the device of a waiting byte has on average: where all have as much, nobody goes first
_MESSAGE_BYTES = 128  # what a message costs beside its payload


def choose(
    waiting: Sequence[Message], done: Collection[int], known: Callable[[str], Source | None]
) -> tuple[list[Message], list[Source]]:
    """Of those who have little `waiting`, which is in log order, what they say, from its beginning on: what is `done`
    (by seq), and MOST more. `known`: where a subject's messages come from; a device goes first if all that it says is
    plain readings, for else it mattered what of it was written before what."""
    subjects = _of_who_has_little(waiting, done)
    sources = {subject: known(subject) for subject in subjects}
    others = {_device(subject) for subject, source in sources.items() if source is None or not source.fast_class_id}
    plain = {subject: source for subject, source in sources.items() if source and _device(subject) not in others}
    picked: list[Message] = []
    fresh = 0
    for message in waiting if plain else ():
        if message.subject in plain:
            fresh += message.seq not in done
            if fresh > MOST:
                break
            picked.append(message)
    return (picked, [plain[message.subject] for message in picked]) if fresh else ([], [])


def _of_who_has_little(waiting: Sequence[Message], done: Collection[int]) -> list[str]:
    sizes: defaultdict[str, int] = defaultdict(int)
    for seq, _, subject, payload, _ in waiting:
        sizes[subject] += 0 if seq in done else _MESSAGE_BYTES + len(payload)
    of_device: Counter[str] = Counter()
    for subject, size in sizes.items():
        of_device[_device(subject)] += size
    little = _LITTLE * sum(size * size for size in of_device.values()) / max(1, of_device.total())
    return [subject for subject in sizes if of_device[_device(subject)] <= little]


def _device(subject: str) -> str:
    return subject.partition(".up.")[0]


def without(batches: Sequence[Batch], seqs: Collection[int]) -> list[Batch]:
    """The readings that none of these messages brought."""
    left = [batch.where(~np.isin(batch.seq, list(seqs))) for batch in batches]
    return [batch for batch in left if len(batch)]


def whole(decoded: Decoded, written: Sequence[Batch]) -> set[int]:
    """The messages (seq) of which every reading is `written`, and stands there as its own."""
    said, there = _readings(decoded.repeats.batches or decoded.batches), _readings(written)
    return {seq for seq, readings in said.items() if there[seq] == readings}


def _readings(batches: Iterable[Batch]) -> Counter[int]:
    """How many each message brought, by seq."""
    return Counter(chain.from_iterable(batch.seq.tolist() for batch in batches))
