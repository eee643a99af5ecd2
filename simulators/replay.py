"""Replay a recorded CSV file as a device of its own: registered over HTTP, sent over MQTT, counted from the record.

`foremend replay fridge.csv --class refrigerator --map power=power_w`
"""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from simulators.broker import Identity
from simulators.courier import Courier
from simulators.door import Door, DoorError, Json
from simulators.recording import Recording, RecordingError, read
from simulators.replay_request import ReplayError, Request, request_of
from simulators.said import Said, arrays

_ACK_TIMEOUT_S = 60
_STALL_S = 60  # the worker's cursor does not move for so long: give up
_SETTLE_S = 10
_OWN_CUSTOMER = {"name": "Owner of the recording", "language": "en"}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Readings of this run, and what the record says; `there` were in the record before it."""

    device_id: str
    published: int
    acknowledged: int
    there: int
    before: Json
    after: Json

    def gained(self, what: str) -> int:
        return int(self.after[what]) - int(self.before[what])

    @property
    def adds_up(self) -> bool:
        # What is already there is sent again and changes nothing.
        return self.published == self.acknowledged == self.gained("committed") + self.gained("refused") + self.there


def device_name(file: Path, sha256: str) -> str:
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', file.stem).strip('-')[:40] or 'recording'}-{sha256[:8]}"


def replay(request: Request, console: Console) -> Outcome:
    """Raises RecordingError, DoorError, ReplayError."""
    recording = read(request.file, list(request.metrics), time=request.time, tz=request.tz, delimiter=request.delimiter)
    for note in notes(recording):
        console.print(note, highlight=False)
    if not len(recording.ts_ms):
        raise ReplayError(f"{request.file.name} holds no reading of {', '.join(request.metrics)}.")
    if request.keep_time and too_old(request, recording, 0) == len(recording.ts_ms):
        kept = f"a {request.appliance.class_id} keeps readings for {request.appliance.retention_days} days"
        raise ReplayError(f"{request.file.name} is too old: {kept}; leave --keep-time out, so that it ends now.")
    with Door(request.api) as door:
        device_id = request.device or device_name(request.file, recording.sha256)
        registered = _register(door, request, device_id)
        shift_ms = _shift_ms(door, request, recording, device_id, console)
        if old := too_old(request, recording, shift_ms):
            console.print(f"{old} readings are older than their class keeps them; refused as TOO_LATE", highlight=False)
        said = list(readings(recording, shift_ms, list(request.metrics.values())))
        span = (said[0][0], said[-1][0])
        there = int(door.ledger(device_id, *span)["committed"])
        before = door.ledger(device_id)
        who = door.identity(str(registered["tenant"]), device_id, registered)
        acknowledged = asyncio.run(_publish(request, registered, who, said, console))
        _wait_for_worker(door)
        after = _settled(door, device_id)
    return Outcome(
        device_id=device_id, published=len(said), acknowledged=acknowledged, there=there, before=before, after=after
    )


def notes(recording: Recording) -> list[str]:
    """What of the file is left out, one line each."""
    counted = (
        (recording.bad_rows, "more cells than the header has; left out"),
        (recording.bad_times, "no readable time; left out"),
        (recording.repeated, "the time was there already; left out"),
        (recording.empty, "nothing in the mapped columns; left out"),
        (recording.bad_cells, "a cell is no number and counts as missing"),
    )
    return [f"{count} of {recording.rows} rows: {words}" for count, words in counted if count]


def too_old(request: Request, recording: Recording, shift_ms: int) -> int:
    """How many readings the house will refuse for their age."""
    oldest_ms = int(time.time() * 1000) - request.appliance.retention_days * 86_400_000
    return int((recording.ts_ms + shift_ms < oldest_ms).sum())


def readings(recording: Recording, shift_ms: int, metrics: list[str]) -> Iterator[Said]:
    for ts_ms, row in zip((recording.ts_ms + shift_ms).tolist(), recording.values.tolist(), strict=True):
        yield ts_ms, {metric: value for metric, value in zip(metrics, row, strict=True) if value == value}  # noqa: PLR0124 - NaN is not itself


def _register(door: Door, request: Request, device_id: str) -> Json:
    facts = {
        "class_id": request.appliance.class_id,
        "model": "recording",
        "serial": device_id,
        "place": request.file.name,
        "region": request.region,
        "customer": {**_OWN_CUSTOMER, "time_zone": request.tz},
    }
    try:
        return door.put_device(device_id, facts)
    except DoorError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        raise ReplayError(
            f"{device_id} was replayed before with another --class, --tz or --region, or from a file of another name; "
            "say the same again, or give it another --device."
        ) from error


def _shift_ms(door: Door, request: Request, recording: Recording, device_id: str, console: Console) -> int:
    """Chosen at the first run of this file, so that it ends now; every later run gets the same."""
    wanted_ms = 0 if request.keep_time else int(time.time() * 1000) - int(recording.ts_ms[-1])
    facts = {"file": request.file.name, "columns": request.metrics, "rows": recording.rows}
    kept = door.put_recording(device_id, recording.sha256, wanted_ms, keep_time=request.keep_time, facts=facts)
    if bool(kept["keep_time"]) != request.keep_time:
        first = "kept its own time" if kept["keep_time"] else "was shifted to end then"
        console.print(f"The first run of this file {first}; so does this one.", highlight=False)
    return int(kept["shift_ms"])


async def _publish(request: Request, registered: Json, who: Identity, said: list[Said], console: Console) -> int:
    address = request.mqtt or str(registered["mqtt"])
    host, _, port = address.rpartition(":")
    courier, acknowledged = Courier(host, int(port), who.client_id, who.username, who.password), 0
    columns = (TextColumn("publishing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with courier:
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("", total=len(said))
            async for part in _paced(said, request.speed):
                for count, payload in arrays(part):
                    try:
                        async with asyncio.timeout(_ACK_TIMEOUT_S):
                            await courier.deliver(str(registered["topic"]), payload)
                    except TimeoutError as error:
                        raise ReplayError(
                            f"{address} acknowledged nothing for {_ACK_TIMEOUT_S} s after {acknowledged} readings; "
                            "is the broker there (--mqtt)?"
                        ) from error
                    acknowledged += count
                    progress.update(bar, completed=acknowledged)
    return acknowledged


async def _paced(said: list[Said], speed: float | None) -> AsyncIterator[list[Said]]:
    if speed is None:
        yield said
        return
    begin_s, first_ms, sent = time.monotonic(), said[0][0], 0
    while sent < len(said):
        reached_ms = first_ms + (time.monotonic() - begin_s) * 1000 * speed
        upto = sent
        while upto < len(said) and said[upto][0] <= reached_ms:
            upto += 1
        if upto > sent:
            yield said[sent:upto]
            sent = upto
        await asyncio.sleep(0.2)


def _wait_for_worker(door: Door) -> None:
    """Until it has read all that the log held when the last reading was acknowledged."""
    said = door.log()
    head, cursor, moved_s = said["head"], said["cursor"], time.monotonic()
    while cursor < head:
        if time.monotonic() - moved_s > _STALL_S:
            raise ReplayError(f"the worker stands at {cursor} of {head} in the log for {_STALL_S} s; is it running?")
        time.sleep(0.2)
        now = door.log()["cursor"]
        if now != cursor:
            cursor, moved_s = now, time.monotonic()


def _settled(door: Door, device_id: str) -> Json:
    """Findings become alerts a moment after their readings: the ledger once it stands still."""
    said, since_s, begin_s = door.ledger(device_id), time.monotonic(), time.monotonic()
    while time.monotonic() - since_s < 2 and time.monotonic() - begin_s < _SETTLE_S:
        time.sleep(0.25)
        now = door.ledger(device_id)
        if now != said:
            said, since_s = now, time.monotonic()
    return said


def table(outcome: Outcome) -> Table:
    shown = Table()
    shown.add_column("counted from the record")
    shown.add_column("this run", justify="right")
    shown.add_column("in all", justify="right")
    shown.add_row("published", str(outcome.published), "")
    shown.add_row("acknowledged", str(outcome.acknowledged), "")
    shown.add_row("already there", str(outcome.there), "")
    for what in ("committed", "refused", "findings", "alerts"):
        shown.add_row(what, str(outcome.gained(what)), str(outcome.after[what]))
    return shown


def main(arguments: list[str] | None = None) -> int:
    console, errors = Console(), Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        outcome = replay(request_of(arguments), console)
    except (RecordingError, DoorError, ReplayError) as error:
        errors.print(f"replay: {error}", markup=False)
        return 1
    console.print(f"The ledger of {outcome.device_id}:", highlight=False)
    console.print(table(outcome))
    if not outcome.adds_up:
        errors.print("replay: published, acknowledged and the record do not add up.", markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
