"""One look at everything."""

from datetime import UTC, datetime

from api.doctor import around, log, mosquitto, record
from api.doctor.setup import Setup
from api.watch import doors
from api.watch.checks import Check


def examine(setup: Setup) -> list[Check]:
    found, standing = record.examine(setup)
    encrypted = doors.certificates(doors.look(setup.settings, datetime.now(UTC)))
    return [
        *found,
        *log.examine(setup, standing),
        *encrypted,
        *mosquitto.examine(setup.settings),
        *around.examine(setup),
    ]
