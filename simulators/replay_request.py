"""What a replay was asked for on the command line."""

import argparse
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from devices import catalogue
from devices.model import ApplianceClass
from simulators.recording import header

_WHAT = (
    "Replay a recorded CSV file as a device of its own: registered over HTTP, sent over MQTT, counted from the record."
)


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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ReplayError(f"{message}; foremend replay --help says what there is.")


def _parser() -> argparse.ArgumentParser:
    api = f"http://{os.environ.get('FOREMEND_HTTP_HOST', '127.0.0.1')}:{os.environ.get('FOREMEND_HTTP_PORT', '8080')}"
    parser = _Parser(prog="foremend replay", description=_WHAT)
    add = parser.add_argument
    add("file", type=Path, metavar="FILE.csv")
    add("--class", dest="class_id", required=True, metavar="CLASS", help="what the recorded appliance is")
    mapped = "only these are published; default: the columns that are called as the class's metrics are"
    add("--map", nargs="+", action="extend", metavar="COLUMN=METRIC", help=mapped)
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
    """Raises ReplayError, RecordingError."""
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
        metrics=_mapped(given.map, appliance) if given.map else _alike(given.file, delimiter, appliance),
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


def _alike(file: Path, delimiter: str, appliance: ApplianceClass) -> dict[str, str]:
    columns = header(file, delimiter)
    metrics = {column: column for column in columns if column in appliance.metric_names}
    if not metrics:
        raise ReplayError(
            f"no column of {file.name} is called as a metric of {appliance.class_id} is; say which is what with "
            f"--map COLUMN=METRIC. It has: {', '.join(columns)}; metrics: {', '.join(appliance.metric_names)}."
        )
    return metrics


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
