"""One look at everything."""

from api.doctor import around, log, record
from api.doctor.setup import Setup
from api.watch.checks import Check


def examine(setup: Setup) -> list[Check]:
    found, standing = record.examine(setup)
    return [*found, *log.examine(setup, standing), *around.examine(setup)]
