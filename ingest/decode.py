"""Bytes to columns: messages of the log become one Batch a class and refusals; pure, and fast where nothing is odd.

The fast path reads payloads with orjson, gathers readings that name the same metrics in the same order, and checks
types and magnitudes a column at a time. Whatever it does not fully trust goes to ingest.scrutiny, a message at a time,
and both ways agree wherever the fast one decides.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import orjson

from devices.model import ApplianceClass, Catalogue
from ingest import limits, topics
from ingest.allowance import Asked, ask
from ingest.columns import Log, Part, assemble, part_of_readings
from ingest.edge.hearing import Hearing
from ingest.edge.model import EdgeTopic, Node, NodeKey, Told
from ingest.gather import gather
from ingest.model import Batch, Ints, Message, Reason, Refusal
from ingest.payloads.model import Flaw, Reading, Verdict
from ingest.presence import will
from ingest.presence.model import BridgeWord, Cause, Spoken, Word
from ingest.refused import refused
from ingest.repeats import Repeats, fold
from ingest.screen import too_late
from ingest.scrutiny import scrutinise
from ingest.topics import ANSWERS, About, Source
from ingest.twin import answers
from ingest.twin.model import Answer


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """`batches` have one row a (device, ts); `refusals`: of each message in its own order. `repeats`: where messages
    said something of the same one. `first_ms`: of messages that are replayed, by seq, when the log first received them.
    `asked`: what those ask for that bring readings. `received_ms` (n_messages,). `spoken`: who was heard, refused or
    not; `told`: what edge nodes said; `answers`: what devices said of their twins."""

    batches: list[Batch]
    refusals: list[Refusal]
    repeats: Repeats = field(default_factory=Repeats)
    first_ms: dict[int, int] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    received_ms: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    spoken: Spoken = field(default_factory=Spoken)
    told: Told = field(default_factory=Told)
    answers: list[Answer] = field(default_factory=list)

    def apart(self) -> "Decoded":
        """For a record that has something of them: what one message said must not be held against another one where
        both have to stand beside what is stored."""
        if not self.repeats.batches:
            return self
        others = [each for each in self.refusals if each not in self.repeats.unfit]
        refusals = [*others, *self.repeats.unfit_in_itself]
        return replace(self, batches=self.repeats.batches, refusals=refusals, repeats=Repeats())


@dataclass(frozen=True, kw_only=True)
class _Ears:
    """What a batch says beside readings. `mute`: places of messages that are of no living device; `without`: of those
    whose readings nobody wants."""

    edge: Hearing
    without: Collection[int]
    words: list[Word | BridgeWord] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    mute: list[int] = field(default_factory=list)

    def take(self, place: int, topic: EdgeTopic) -> None:
        """What the message at `place` said of who is there."""
        for fact in self.edge.news():
            self.words.append(Word(place, fact.device_no, fact.received_ms, fact.online, Cause.DEATH))
        if topic.kind.is_death:
            self.mute.append(place)


def decode(
    messages: Sequence[Message],
    sources: Sequence[Source],
    catalogue: Catalogue,
    nodes: Mapping[NodeKey, Node] = MappingProxyType({}),
    *,
    without: Collection[int] = (),
    careful: bool = False,
) -> Decoded:
    """`sources[i]` is where `messages[i]` came from; `nodes`: what was known of their edge nodes before. `without`:
    places of messages that neither bring readings nor are refused here. With `careful` nothing takes the fast path."""
    if not messages:
        return Decoded(batches=[], refusals=[])
    seqs, received, _, payloads, firsts = zip(*messages, strict=True)
    class_ids = [source.fast_class_id for source in sources]
    for place in without:
        class_ids[place] = None
    log = Log(
        seq=np.array(seqs, dtype=np.int64),
        received_ms=np.array(received, dtype=np.int64),
        device_no=np.array([source.device_no or 0 for source in sources], dtype=np.int64),
        size=np.array(list(map(len, payloads)), dtype=np.int64),
    )
    judged_ms = log.received_ms
    replayed = first_ms(messages) if any(firsts) else {}
    if replayed:
        judged_ms = np.array([message.judged_ms for message in messages], dtype=np.int64)
    odd = set(range(len(messages))) if careful else set()
    groups = [] if careful else gather(payloads, judged_ms, class_ids, odd)
    for group in groups:
        odd |= group.odd_places(catalogue[group.class_id])
    parts: dict[str, list[Part]] = {}
    for group in groups:
        parts.setdefault(group.class_id, []).append(group.part(catalogue[group.class_id], odd))
    ears = _Ears(edge=Hearing(nodes), without=without)
    refusals = _scrutinise(messages, sources, odd, catalogue, parts, ears) if odd or None in class_ids else []
    asked: list[Asked] = []
    said: list[Batch] = []
    for class_id, of_class in parts.items():
        appliance = catalogue[class_id]
        batch = assemble(appliance, of_class, log)
        asked += [ask(batch, log, replayed)] if len(batch) else []
        late = too_late(batch, appliance.retention_days)
        if late.any():
            refusals += _too_late(batch.where(late), appliance, _by_seq(messages, sources))
            batch = batch.where(~late)
        said += [batch] if len(batch) else []
    batches, repeats = fold(said, catalogue, lambda: _by_seq(messages, sources))
    return Decoded(
        batches=batches,
        refusals=[*refusals, *repeats.unfit],
        repeats=repeats,
        first_ms=replayed,
        asked=answers.ask(asked, ears.answers, log),
        received_ms=log.received_ms,
        spoken=spoken(log.device_no, log.received_ms, firsts, ears.words, ears.mute),
        told=ears.edge.told,
        answers=ears.answers,
    )


def spoken(
    device_no: Ints,
    received_ms: Ints,
    firsts: Sequence[int | None],
    words: Sequence[Word | BridgeWord] = (),
    mute: Sequence[int] = (),
) -> Spoken:
    """What is replayed is said by us, and that a device is gone by its broker. `mute`: where else nobody speaks."""
    of_devices = tuple(word for word in words if isinstance(word, Word))
    silent = [word.place for word in of_devices if not word.online and not word.sleep_ms] + list(mute)
    if any(firsts):
        silent += [place for place, first in enumerate(firsts) if first is not None]
    if silent:
        device_no = device_no.copy()
        device_no[silent] = 0
    of_bridges = tuple(word for word in words if isinstance(word, BridgeWord))
    return Spoken(device_no=device_no, received_ms=received_ms, words=of_devices, bridges=of_bridges)


def first_ms(messages: Sequence[Message]) -> dict[int, int]:
    """Of those that are replayed, by seq."""
    return {message.seq: message.first_ms for message in messages if message.first_ms is not None}


def _scrutinise(
    messages: Sequence[Message],
    sources: Sequence[Source],
    odd: set[int],
    catalogue: Catalogue,
    parts: dict[str, list[Part]],
    ears: _Ears,
) -> list[Refusal]:
    """The careful way for the messages at `odd` and those without a fast one; what is left is added to `parts`, and
    what is said of presence and by edge nodes to `ears`."""
    refusals: list[Refusal] = []
    found: dict[str, list[tuple[int, Reading]]] = {}
    for place, (message, source) in enumerate(zip(messages, sources, strict=True)):
        if source.fast_class_id is not None and place not in odd:
            continue
        verdict = _verdict(message, source, place, catalogue, ears)
        if verdict is None or place in ears.without:
            continue
        refusals += [_of_flaw(message, source, flaw) for flaw in verdict.flaws]
        if verdict.readings and source.class_id is not None:
            found.setdefault(source.class_id, []).extend((place, reading) for reading in verdict.readings)
    for class_id, readings in found.items():
        parts.setdefault(class_id, []).append(part_of_readings(catalogue[class_id], readings))
    return refusals


def _verdict(message: Message, source: Source, place: int, catalogue: Catalogue, ears: _Ears) -> Verdict | None:
    """None for what is no reading and no refusal."""
    if source.edge is not None:
        units = catalogue[source.class_id].units if source.class_id in catalogue else {}
        verdict = scrutinise(message.payload, message.judged_ms, units, ears.edge.form(message, source))
        ears.take(place, source.edge)
        return verdict
    if source.reason is not None:
        kept = message.payload[: limits.PAYLOAD_BYTES]
        return Verdict(flaws=[Flaw(reason=source.reason, detail=source.detail, payload=kept)])
    if source.about is not About.READINGS:
        return _take_word(message, source, place, ears)
    if source.class_id is None:
        return None
    return scrutinise(message.payload, message.judged_ms, catalogue[source.class_id].units, source.form)


def _take_word(message: Message, source: Source, place: int, ears: _Ears) -> Verdict | None:
    """What is said beside readings."""
    said = answers.read(message, source, place) if source.about in ANSWERS else _word(message, source, place)
    if isinstance(said, Flaw):
        return Verdict(flaws=[said])
    if isinstance(said, Answer):
        if place not in ears.without:
            ears.answers.append(said)
    elif message.first_ms is None:  # who was there when it was refused says nothing of now
        ears.words.append(said)
    return None


def _word(message: Message, source: Source, place: int) -> Word | BridgeWord | Flaw:
    if source.about is About.BRIDGE:
        return will.read_bridge(message, source.tenant_id or "", source.device_id or "")
    return will.read(message.payload, place, source.device_no or 0, message.received_ms)


def _by_seq(messages: Sequence[Message], sources: Sequence[Source]) -> dict[int, Source]:
    return {message.seq: source for message, source in zip(messages, sources, strict=True)}


def _too_late(batch: Batch, appliance: ApplianceClass, by_seq: dict[int, Source]) -> list[Refusal]:
    """Said again as JSON, so under JSON's topic, whatever the format was."""
    refusals = []
    for row, (seq, ts_ms) in enumerate(zip(batch.seq.tolist(), batch.ts_ms.tolist(), strict=True)):
        said = zip(appliance.metric_names, batch.values[row].tolist(), strict=True)
        metrics = {name: value for name, value in said if not math.isnan(value)}
        extra = batch.extra[row]
        payload = orjson.dumps({"ts": ts_ms, "m": {**metrics, **(orjson.loads(extra) if extra else {})}})
        source = by_seq[seq]
        refusals.append(
            Refusal(
                seq=seq,
                received_ms=int(batch.received_ms[row]),
                topic=topics.telemetry(source.tenant_id, source.device_id),
                tenant_id=source.tenant_id,
                device_no=source.device_no,
                reason=Reason.TOO_LATE,
                detail=f"readings of this class are kept for {appliance.retention_days} days",
                payload=payload,
                ts_ms=ts_ms,
            )
        )
    return refusals


def _of_flaw(message: Message, source: Source, flaw: Flaw) -> Refusal:
    reason, detail, again = flaw.reason, flaw.detail, flaw.payload
    return refused(message, source, reason, detail, payload=again, ts_ms=flaw.ts_ms, metric=flaw.metric)
