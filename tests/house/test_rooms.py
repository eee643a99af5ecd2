"""The rooms of the house are named here; a new one is a decision, not an accident."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = {"ledger", "devices", "ingest", "detectors", "ticketing", "api", "simulators"}


def test_the_house_has_these_rooms_and_no_others() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - {"tests"} == ROOMS
