"""Who stands behind the subjects of a batch: known devices are remembered, others are looked up again each time."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from devices import store as devices
from devices.model import Catalogue
from ingest import topics
from ingest.edge.model import EdgeTopic
from ingest.model import Message
from ingest.topics import Source


def edge_topics(sources: Sequence[Source]) -> set[EdgeTopic]:
    """Those of edge nodes and their devices."""
    return {source.edge for source in sources if source.edge is not None}


class Directory:
    """Remembers only devices that exist, so that it cannot grow by what strangers send. Nobody is refused as unknown
    but by a look at the registry that is younger than his message; a batch costs at most one look."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._class_ids = frozenset(catalogue)
        self._known: dict[str, Source] = {}
        self.tenants: dict[int, str] = {}  # by device_no

    def sources(self, conn: Connection[Any], messages: Sequence[Message]) -> list[Source]:
        """Where each message came from."""
        known = self._known
        subjects = [message.subject for message in messages]
        strangers = set(subjects) - known.keys()
        if not strangers:
            return [known[subject] for subject in subjects]
        answers = self._look_up(conn, strangers)
        return [answers[subject] if subject in answers else known[subject] for subject in subjects]

    def _look_up(self, conn: Connection[Any], subjects: set[str]) -> dict[str, Source]:
        read = {subject: topics.read(subject) for subject in sorted(subjects)}
        keys = sorted({source.key for source in read.values() if source.key is not None})
        addresses = devices.find_addresses(conn, keys) if keys else {}
        answers = {}
        for subject, source in read.items():
            address = addresses.get(source.key) if source.key is not None else None
            answers[subject] = topics.found(source, address, self._class_ids)
            if answers[subject].reason is None and address is not None and source.tenant_id is not None:
                self._known[subject] = answers[subject]
                self.tenants[address.device_no] = source.tenant_id
        return answers
