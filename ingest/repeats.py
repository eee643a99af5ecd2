"""What several messages say of one (device, ts): together, and as if each had come by itself.

Together, they are one row, which is right where the record has nothing of it. Where it has, what one message said must
not be held against another one: both have to stand beside what is stored.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from devices.model import Catalogue
from ingest import merge, topics
from ingest.model import Batch, Refusal
from ingest.topics import Source


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """`batches`: one wave after the other, each with one row a (device, ts). What did not fit beside what: `unfit` of
    all messages together, `unfit_in_itself` of each alone. All empty where nothing is repeated."""

    batches: list[Batch] = field(default_factory=list)
    unfit: list[Refusal] = field(default_factory=list)
    unfit_in_itself: list[Refusal] = field(default_factory=list)


def fold(
    said: list[Batch], catalogue: Catalogue, by_seq: Callable[[], Mapping[int, Source]]
) -> tuple[list[Batch], Repeats]:
    """Batches with one row a (device, ts). `by_seq`: where the messages came from; hardly ever asked."""
    if not any(merge.says_again(batch) for batch in said):
        return said, Repeats()
    sources, together, apart = by_seq(), [], Repeats()
    for batch in said:
        metrics = catalogue[batch.class_id].metric_names
        each, in_itself = merge.fold(batch, metrics, each_message=True)  # first: no neighbour changes anything of it
        row, unfit = merge.fold(each, metrics)
        together.append(row)
        apart.batches.extend(merge.waves(each))
        apart.unfit.extend(_refusals([*in_itself, *unfit], sources))
        apart.unfit_in_itself.extend(_refusals(in_itself, sources))
    return together, apart


def _refusals(unfit: Sequence[merge.Unfit], sources: Mapping[int, Source]) -> list[Refusal]:
    """Said again as JSON, so under JSON's topic, whatever the format was."""
    return [
        merge.refusal(each, topics.telemetry(source.tenant_id, source.device_id), source.tenant_id)
        for each in unfit
        for source in [sources[each.seq]]
    ]
