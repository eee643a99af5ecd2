"""Words of the snapshots."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """`body` is the canonical document, byte for byte what is downloaded; `sha256` (hex) is taken over it."""

    snapshot_id: UUID
    tenant_id: str
    device_no: int
    at: datetime
    sha256: str
    body: bytes
