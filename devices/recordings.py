"""Recorded files that stand for devices: their shift is said once and kept."""

from datetime import datetime
from typing import Any

from psycopg import Connection

from devices import store
from devices.model import Device, Recording
from ledger import log
from ledger.model import Scope


def keep(conn: Connection[Any], device: Device, recording: Recording, *, by: Scope, now: datetime) -> Recording:
    """The recording as the first run said it; a later one with another shift changes nothing."""
    before = _recording(conn, device, recording.sha256)
    if before is None:
        store.insert_recording(conn, device.tenant_id, recording)
        said = {"sha256": recording.sha256, "shift_ms": recording.shift_ms, "keep_time": recording.keep_time}
        log.note(conn, "device.recording_set", device.device_id, by, now, said)
    return before or _recording(conn, device, recording.sha256) or recording


def listed(conn: Connection[Any], device: Device) -> list[Recording]:
    return store.list_recordings(conn, device.tenant_id, device.device_no)


def _recording(conn: Connection[Any], device: Device, sha256: str) -> Recording | None:
    return next((kept for kept in listed(conn, device) if kept.sha256 == sha256), None)
