"""A fleet's past as files, with the truth beside it, for whoever wants to judge a detector.

`foremend fleet generate --devices 100 --days 30 --faults mix.toml --seed 1 --out DIR` writes `{class}.csv` or .parquet
with one row a reading and `truth.json`: of each unit its fault, onset, severity by the hour, the moment at which it no
longer did what it is for, and whatever else happened to it.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path

from devices import catalogue
from simulators.classes import together
from simulators.crew import Crew, Spoken
from simulators.files import FORMATS, FormatError, Rows, open_rows
from simulators.mix import DAY_MS, EVERYTHING, MOST, Made, Mix, MixError, draw, load, unmet
from simulators.progress import Progress
from simulators.truth import Chronicle, TruthFile

START = date(2025, 1, 1)  # so that the same command gives the same files whenever it is given
FIRST, LAST = date(1971, 1, 1), date(2199, 12, 31)
UNITS_AT_ONCE = 1000


def start_ms_of(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def generate(
    mix: Mix, devices: int, days: int, seed: int, out: Path, *, form: str = "csv", start: date = START
) -> None:
    """Memory is that of UNITS_AT_ONCE units for a day, whatever the fleet and the days are. Raises FormatError."""
    classes = catalogue.load()
    start_ms = start_ms_of(start)
    out.mkdir(parents=True, exist_ok=True)
    made = draw(mix, classes, devices, seed, start_ms, days)
    for sentence in unmet(mix, made, start_ms + days * DAY_MS):
        print(f"fleet: {sentence}", file=sys.stderr)
    places = {each.unit.place.name: each.unit.place for each in made if each.unit.place is not None}
    facts = {"seed": seed, "days": days, "start_ms": start_ms, "cadence_s": 60}
    fleet = sorted(made, key=lambda each: each.class_id)
    with TruthFile(out / "truth.json", facts, list(places.values())) as truth, Progress() as progress:
        done = 0
        for group in together([each.class_id for each in fleet]):
            members = [fleet[i] for i in group]
            with ExitStack() as files:
                rows = {
                    class_id: files.enter_context(open_rows(out, class_id, classes[class_id].metric_names, form))
                    for class_id in dict.fromkeys(each.class_id for each in members)
                }
                for at in range(0, len(members), UNITS_AT_ONCE):
                    some = members[at : at + UNITS_AT_ONCE]
                    crew = Crew(some, classes, start_ms)
                    chronicle = Chronicle(crew, start_ms, days)
                    for _ in range(days):
                        spoken = crew.advance(1440)
                        _write(rows, some, spoken)
                        chronicle.day(spoken)
                        done += len(some)
                        progress.say("generate", done, devices * days)
                    truth.write(chronicle.units())


def _write(rows: Mapping[str, Rows], made: Sequence[Made], spoken: Spoken) -> None:
    """Each class's to its own file; `made` are in order of their classes."""
    begin = 0
    for class_id, members in groupby(made, key=lambda each: each.class_id):
        devices = [each.device_id for each in members]
        rows[class_id].write(devices, spoken.of(slice(begin, begin + len(devices))))
        begin += len(devices)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="foremend fleet generate", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--start", type=date.fromisoformat, default=START, metavar="DATE", help="(%(default)s)")
    parser.add_argument("--faults", type=Path, metavar="MIX.toml", help="what the fleet is; without it all are well")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", choices=FORMATS, default="csv", help="(%(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    given = parser.parse_args(arguments)
    if not 1 <= given.devices <= MOST or given.days < 1:
        parser.error(f"--devices must be 1 to {MOST:,}, --days at least 1")
    if given.seed < 0 or not FIRST <= given.start <= LAST:
        parser.error(f"--seed must not be negative, --start lie between {FIRST} and {LAST}")
    begin = time.monotonic()
    try:
        mix = EVERYTHING if given.faults is None else load(given.faults)
        generate(mix, given.devices, given.days, given.seed, given.out, form=given.format, start=given.start)
    except (MixError, FormatError, OSError) as error:
        print(f"fleet: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"fleet: stopped; {given.out} is not whole, and has no truth.json", file=sys.stderr)
        return 130
    print(f"{given.devices} appliances, {given.days} days: {given.out} ({time.monotonic() - begin:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
