"""Which device may stand behind which: there is one level of gateways and no circle. Pure."""

from devices.errors import NotBehind


def refused_because(device_no: int, gateway_no: int, *, has_gateway: bool, has_children: bool) -> NotBehind | None:
    """Why a device may not stand behind a gateway that has one itself, or with others behind it; None: it may."""
    if gateway_no == device_no:
        return NotBehind.ITSELF
    if has_gateway:
        return NotBehind.SECOND_LEVEL
    if has_children:
        return NotBehind.GATEWAY
    return None
