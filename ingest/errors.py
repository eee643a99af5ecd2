"""Errors of ingest; bad input is a value (a Refusal), never one of these."""


class IngestError(Exception):
    """Root of the room's errors."""


class LayoutError(IngestError):
    """A class table is not what the catalogue says, and cannot become it without losing something."""

    def __init__(self, table: str, column: str, reason: str) -> None:
        super().__init__(f"{table}.{column} {reason}")
        self.table, self.column = table, column


class LogError(IngestError):
    """The log could not be read: the server is away, slow or says no. Worth another attempt."""


class LogLostError(IngestError):
    """The log is not the one that the cursor counts in, or lacks messages above the cursor: a person must look."""


class BrokerError(IngestError):
    """Another broker is away, silent, or breaks off. Worth another attempt."""


class PacketError(BrokerError):
    """Bytes that are not MQTT, from a broker or for one."""


class BrokerGoneError(BrokerError):
    """The connection ended, and the broker did not say why."""


class SessionTakenError(BrokerError):
    """Another client has come with our client id; whoever comes back at once throws that one out again."""


class BrokerRefusesError(BrokerError):
    """The other broker says no: to who we are, or to what we ask for."""


class OtherLevelError(BrokerRefusesError):
    """The other broker does not speak this version of MQTT."""


class MapError(IngestError):
    """A mapping of topics that cannot be used, in words for whoever wrote it."""


class FencedError(IngestError):
    """Another worker has taken the partition; nothing of ours was written."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"another worker has taken the partition since epoch {epoch}")
        self.epoch = epoch
