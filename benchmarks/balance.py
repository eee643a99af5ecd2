"""Whether all that a fleet's ledger says was acknowledged is in the record or among the refusals, device by device.

`python -m benchmarks.balance ledger.json --api http://127.0.0.1:8080`
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from simulators.door import Door, DoorError
from simulators.process import default_api


class Row(NamedTuple):
    """Readings of one device. `most`: if whatever was sent without an answer came, and what was sent again was refused
    as often as it came."""

    device: str
    acknowledged: int
    committed: int
    refused: int
    most: int

    @property
    def balanced(self) -> bool:
        return self.acknowledged <= self.committed + self.refused <= self.most


def balance(door: Door, devices: Sequence[dict[str, Any]]) -> Iterator[Row]:
    """Raises DoorError."""
    for said in devices:
        found = door.ledger(said["device"])
        most = said["readings"] + said["unanswered"] + (said["resent"] if found["refused"] else 0)
        yield Row(said["device"], said["readings"], found["committed"], found["refused"], most)


def main() -> int:
    about = __doc__.split("\n", maxsplit=1)[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.balance", description=about)
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--api", default=default_api())
    given = parser.parse_args()
    try:
        with Door(given.api) as door:
            rows = list(balance(door, json.loads(given.ledger.read_text())["devices"]))
    except DoorError as error:
        print(f"balance: {error}", file=sys.stderr)
        return 1
    wrong = [row for row in rows if not row.balanced]
    found = {name: sum(getattr(row, name) for row in rows) for name in ("acknowledged", "committed", "refused")}
    print(json.dumps({"devices": len(rows), **found, "not_balanced": [row._asdict() for row in wrong]}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
