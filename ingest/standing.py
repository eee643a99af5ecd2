"""Whether the log still is what the cursor counts in.

A power cut can take the log's last minutes, which the record has read already (NATS syncs its files every two minutes
unless told otherwise), and devices may have filled their numbers again before anybody looks. So the cursor is
believed only where the log's own time of the message there is the one that was committed with it.
"""

from enum import Enum, auto

from ingest.adapter_log import Head
from ingest.errors import LogLostError
from ingest.partition import Claim


class Standing(Enum):
    SAME = auto()  # read on
    NEW = auto()  # the partition never read a log: this one is it from now on
    SHORTENED = auto()  # the same log without its end: what came since has numbers that were read before


def judge(claim: Claim, head: Head, received_ms: int | None) -> Standing:
    """`received_ms`: when the log received the message that it has at the cursor. Raises LogLostError."""
    if not claim.span.whole and claim.span.of != head.slots:
        raise LogLostError(
            f"the log spreads the devices over {head.slots} slots, the record over {claim.span.of} partitions: nobody "
            "would read what stands in the others; finish what was begun: foremend migrate"
        )
    if claim.log_made is None and claim.cursor <= head.last_seq:
        return Standing.NEW
    if claim.log_made != head.made:
        if claim.cursor == 0:
            return Standing.NEW
        raise LogLostError(
            f"the record has read another log up to {claim.cursor} (made {claim.log_made or 'at an unknown time'}) "
            f"than this one (made {head.made}, head {head.last_seq}): bring the folder of NATS back that belongs to "
            "this record, or start with an empty record"
        )
    if claim.cursor > head.last_seq:
        return Standing.SHORTENED
    unlike = None not in (received_ms, claim.received_ms) and received_ms != claim.received_ms
    return Standing.SHORTENED if unlike else Standing.SAME
