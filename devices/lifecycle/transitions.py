"""What may follow what in a device's life."""

from devices.errors import DeviceTransitionError
from devices.model import Device, DeviceState

S = DeviceState
ALLOWED: dict[DeviceState, tuple[DeviceState, ...]] = {
    S.MADE: (S.CLAIMED, S.ACTIVE, S.RETIRED, S.REPLACED),
    S.CLAIMED: (S.ACTIVE, S.RESOLD, S.RETIRED, S.REPLACED),
    S.ACTIVE: (S.CLAIMED, S.RESOLD, S.RETIRED, S.REPLACED),  # claimed: it served without an owner that we know
    S.RESOLD: (S.CLAIMED, S.ACTIVE, S.RETIRED, S.REPLACED),
    S.RETIRED: (S.ACTIVE, S.RESOLD, S.REPLACED),  # not for good: what was put aside is put up again, or sold
    S.REPLACED: (),
}
OUT_OF_SERVICE = (S.RETIRED, S.REPLACED)  # nobody is asked about it
LEAVES = (S.RESOLD, *OUT_OF_SERVICE)  # what was desired of it and told it holds no longer
EVENTS = {
    S.CLAIMED: "device.claimed",
    S.ACTIVE: "device.activated",
    S.RETIRED: "device.retired",
    S.REPLACED: "device.replaced",
    S.RESOLD: "device.resold",
}


def check(device: Device, to: DeviceState) -> None:
    """Raises DeviceTransitionError, which says what is allowed."""
    allowed = ALLOWED[device.state]
    if to not in allowed:
        raise DeviceTransitionError(device.device_id, device.state, to, allowed)
