"""Who stands behind the subjects of a batch: known devices are remembered, others are looked up again each time."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from devices import store as devices
from devices.model import Catalogue
from devices.variants import Variants
from ingest import topics
from ingest.edge.model import EdgeTopic
from ingest.model import Message
from ingest.topics import Source

_SUBJECTS = 32  # of a device: each format, each kind of an edge node's messages; a node may make up any group


def edge_topics(sources: Sequence[Source]) -> set[EdgeTopic]:
    """Those of edge nodes and their devices."""
    return {source.edge for source in sources if source.edge is not None}


class Directory:
    """Remembers only devices that exist, and so many subjects of each, so that it cannot grow by what anybody sends.
    Nobody is refused as unknown but by a look at the registry that is younger than his message; a batch costs at most
    one look."""

    def __init__(self, catalogue: Catalogue, variants: Variants | None = None) -> None:
        self._class_ids = frozenset(catalogue)
        self._variants = variants or Variants({})
        self._known: dict[str, Source] = {}
        self._subjects: Counter[int] = Counter()  # by device_no, how many are known
        self.tenants: dict[int, str] = {}  # by device_no
        self.variants: dict[int, str] = {}  # by device_no, of those that are watched otherwise than their class

    def meet_all(self, conn: Connection[Any]) -> None:
        """Know the variants of all devices, before what they said is learned from the record."""
        class_ids = self._variants.varied
        for device_no, class_id, tenant_id, model in devices.list_models(conn, class_ids) if class_ids else ():
            self._note(device_no, class_id, tenant_id, model)

    def _note(self, device_no: int, class_id: str, tenant_id: str, model: str) -> None:
        name = self._variants.name(class_id, tenant_id, model)
        if name != class_id:
            self.variants[device_no] = name

    def sources(self, conn: Connection[Any], messages: Sequence[Message]) -> list[Source]:
        """Where each message came from."""
        known = self._known
        subjects = [message.subject for message in messages]
        strangers = set(subjects) - known.keys()
        if not strangers:
            return [known[subject] for subject in subjects]
        answers = self._look_up(conn, strangers)
        return [answers[subject] if subject in answers else known[subject] for subject in subjects]

    def known(self, subject: str) -> Source | None:
        """Where its messages come from, without a look at the registry."""
        return self._known.get(subject)

    def _look_up(self, conn: Connection[Any], subjects: set[str]) -> dict[str, Source]:
        read = {subject: topics.read(subject) for subject in sorted(subjects)}
        keys = sorted({source.key for source in read.values() if source.key is not None})
        addresses = devices.find_addresses(conn, keys) if keys else {}
        answers = {}
        for subject, source in read.items():
            address = addresses.get(source.key) if source.key is not None else None
            answers[subject] = topics.found(source, address, self._class_ids)
            if answers[subject].reason is None and address is not None and source.tenant_id is not None:
                self._remember(subject, answers[subject], address.device_no)
                self.tenants[address.device_no] = source.tenant_id
                self._note(address.device_no, address.class_id, source.tenant_id, address.model)
        return answers

    def _remember(self, subject: str, source: Source, device_no: int) -> None:
        if self._subjects[device_no] < _SUBJECTS:
            self._subjects[device_no] += 1
            self._known[subject] = source
