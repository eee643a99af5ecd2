"""Replay a recorded CSV file as a device of its own: registered over HTTP, sent over MQTT, counted from the record.

`foremend replay fridge.csv --class refrigerator --map power=power_w`
"""

import argparse
import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from devices import catalogue
from devices.model import ApplianceClass
from simulators.courier import Courier
from simulators.door import Door, DoorError, Json
from simulators.herd import Said, arrays
from simulators.recording import Recording, RecordingError, read

_ACK_TIMEOUT_S = 60
_STALL_S = 60  # the worker's cursor does not move for so long: give up
_SETTLE_S = 10
_OWN_CUSTOMER = {"name": "Owner of the recording", "language": "en"}


@dataclass(frozen=True, kw_only=True)
class Request:
    file: Path
    appliance: ApplianceClass
    metrics: dict[str, str]  # column -> metric
    time: str | None
    tz: str
    delimiter: str
    speed: float | None  # None: as fast as the broker acknowledges
    api: str
    mqtt: str | None
    keep_time: bool
    device: str | None
    region: str


class ReplayError(Exception):
    """One sentence for whoever started the replay."""


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
    with Door(request.api) as door:
        device_id = request.device or device_name(request.file, recording.sha256)
        registered = _register(door, request, device_id)
        shift_ms = _shift_ms(door, request, recording, device_id, console)
        said = list(readings(recording, shift_ms, list(request.metrics.values())))
        span = (said[0][0], said[-1][0])
        there = int(door.ledger(device_id, *span)["committed"])
        before = door.ledger(device_id)
        acknowledged = asyncio.run(_publish(request, registered, said, console))
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


def readings(recording: Recording, shift_ms: int, metrics: list[str]) -> Iterator[Said]:
    for ts_ms, row in zip((recording.ts_ms + shift_ms).tolist(), recording.values.tolist(), strict=True):
        yield ts_ms, {metric: value for metric, value in zip(metrics, row, strict=True) if value == value}  # noqa: PLR0124 - NaN is not itself


def _register(door: Door, request: Request, device_id: str) -> Json:
    return door.put_device(
        device_id,
        {
            "class_id": request.appliance.class_id,
            "model": "recording",
            "serial": device_id,
            "place": request.file.name,
            "region": request.region,
            "customer": {**_OWN_CUSTOMER, "time_zone": request.tz},
        },
    )


def _shift_ms(door: Door, request: Request, recording: Recording, device_id: str, console: Console) -> int:
    """Chosen at the first run of this file, so that it ends now; every later run gets the same."""
    wanted_ms = 0 if request.keep_time else int(time.time() * 1000) - int(recording.ts_ms[-1])
    facts = {"file": request.file.name, "columns": request.metrics, "rows": recording.rows}
    kept = door.put_recording(device_id, recording.sha256, wanted_ms, keep_time=request.keep_time, facts=facts)
    if bool(kept["keep_time"]) != request.keep_time:
        first = "kept its own time" if kept["keep_time"] else "was shifted to end then"
        console.print(f"The first run of this file {first}; so does this one.", highlight=False)
    return int(kept["shift_ms"])


async def _publish(request: Request, registered: Json, said: list[Said], console: Console) -> int:
    address = request.mqtt or str(registered["mqtt"])
    host, _, port = address.rpartition(":")
    courier, acknowledged = Courier(host, int(port), f"replay-{os.getpid()}"), 0
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


def _parser() -> argparse.ArgumentParser:
    api = f"http://{os.environ.get('FOREMEND_HTTP_HOST', '127.0.0.1')}:{os.environ.get('FOREMEND_HTTP_PORT', '8080')}"
    parser = argparse.ArgumentParser(prog="foremend replay", description=__doc__.split("\n", maxsplit=1)[0])
    add = parser.add_argument
    add("file", type=Path, metavar="FILE.csv")
    add("--class", dest="class_id", required=True, metavar="CLASS", help="what the recorded appliance is")
    add("--map", nargs="+", action="extend", required=True, metavar="COLUMN=METRIC", help="only these are published")
    add("--time", metavar="COLUMN", help="default: the column named time, timestamp or ts, else the first one")
    add("--tz", default="UTC", help="of times that name none (%(default)s)")
    add("--delimiter", default="auto", help="(%(default)s)")
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--speed", type=float, metavar="N", help="N times as fast as it was recorded")
    pace.add_argument("--fast", action="store_true", help="as fast as it is acknowledged (the default)")
    add("--api", default=api, help="Foremend's address (%(default)s)")
    add("--mqtt", metavar="HOST:PORT", help="default: what Foremend says")
    add("--keep-time", action="store_true", help="do not shift the recording to end now")
    add("--device", metavar="ID", help="default: the file's name and the start of its sha256")
    add("--region", default="north", help="where the appliance stands; decides who could be sent (%(default)s)")
    return parser


def request_of(arguments: list[str] | None) -> Request:
    """Raises ReplayError."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.speed is not None and not given.speed > 0:
        parser.error("--speed must be above 0")
    if given.mqtt is not None and not re.fullmatch(r".+:\d{1,5}", given.mqtt):
        parser.error(f"--mqtt {given.mqtt!r} is not HOST:PORT")
    delimiter = given.delimiter.replace("\\t", "\t")
    if delimiter != "auto" and len(delimiter) != 1:
        raise ReplayError(f"--delimiter {given.delimiter!r} is neither one character nor auto.")
    classes = catalogue.load()
    if given.class_id not in classes:
        raise ReplayError(f"there is no class {given.class_id!r}; there are: {', '.join(sorted(classes))}.")
    appliance = classes[given.class_id]
    return Request(
        file=given.file,
        appliance=appliance,
        metrics=_mapped(given.map, appliance),
        time=given.time,
        tz=given.tz,
        delimiter=delimiter,
        speed=given.speed,
        api=given.api,
        mqtt=given.mqtt,
        keep_time=given.keep_time,
        device=given.device,
        region=given.region,
    )


def _mapped(pairs: list[str], appliance: ApplianceClass) -> dict[str, str]:
    metrics: dict[str, str] = {}
    for pair in pairs:
        column, equals, metric = pair.rpartition("=")
        if not equals or not column:
            raise ReplayError(f"--map {pair!r} is not COLUMN=METRIC.")
        if metric not in appliance.metric_names:
            known = ", ".join(appliance.metric_names)
            raise ReplayError(f"{appliance.class_id} has no metric {metric!r}; it has: {known}.")
        if metric in metrics.values() or column in metrics:
            raise ReplayError(f"--map names {pair!r} twice.")
        metrics[column] = metric
    return metrics


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
