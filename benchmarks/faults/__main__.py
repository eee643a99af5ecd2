"""`python -m benchmarks.faults`: each fault, or those that `--fault` names, under load, and the ledger afterwards."""

import argparse
import json
import signal
import sys
import time
from dataclasses import asdict

from api.bench.house import house
from benchmarks.faults import disks, table
from benchmarks.faults.trial import DEVICES, FLUSHED, Row

_P99 = "{quiet:,.0f}, {during:,.0f} ({logged:,.0f}); {longest:,.0f}"
_COUNTS = ("published", "acknowledged", "committed", "refused", "missing", "duplicates")


def main() -> int:
    """Exit code 1 if a promise did not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--fault", action="append", choices=list(table.FAULTS), help="this one, or several; else all")
    parser.add_argument("--long", action="store_true", help="minutes instead of seconds")
    parser.add_argument("--json", action="store_true", help="one JSON list instead of a table")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the engines end as well
    rows = []
    with house() as ours:
        ours.register(DEVICES + FLUSHED)
        for name in given.fault or table.FAULTS:
            if table.FAULTS[name].mounts and not disks.can_mount():
                _sayer(name)("left out: a small disk cannot be mounted here; root can")
                continue
            rows.append(table.run(name, ours, _sayer(name), long=given.long))
            for sentence in rows[-1].broken:
                _sayer(name)(f"BROKEN: {sentence}")
    print(json.dumps([asdict(row) for row in rows]) if given.json else _table(rows))
    return 1 if any(row.broken for row in rows) else 0


def _sayer(name: str) -> "Sayer":
    return Sayer(name, time.monotonic())


class Sayer:
    """Says on standard error how far a fault is."""

    def __init__(self, name: str, begun_s: float) -> None:
        self._name, self._begun_s = name, begun_s

    def __call__(self, sentence: str) -> None:
        print(f"{self._name} {time.monotonic() - self._begun_s:5.1f} s: {sentence}", file=sys.stderr, flush=True)


def _table(rows: list[Row]) -> str:
    """As benchmarks/README.md has it."""
    head = ("fault", "what was done", *_COUNTS, "caught up s", "live p99 ms: quiet, during (to the log); longest")
    lines = ["| " + " | ".join(head) + " |"]
    lines.append("|---" * len(head) + "|")
    for row in rows:
        counts = [f"{getattr(row.balance, name):,}" for name in _COUNTS]
        caught_up = "" if row.caught_up_s is None else f"{row.caught_up_s:g}"
        p99 = _P99.format(**row.live_p99_ms) if row.live_p99_ms else ""
        lines.append("| " + " | ".join([row.fault, row.done, *counts, caught_up, p99]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
