"""Which device may stand behind which: there is one level of gateways and no circle. Pure."""


def refused_because(device_no: int, gateway_no: int, *, has_gateway: bool, has_children: bool) -> str | None:
    """Why a device may not stand behind a gateway that has one itself, or with others behind it; None: it may."""
    if gateway_no == device_no:
        return "it would stand behind itself"
    if has_gateway:
        return "that one stands behind a gateway itself"
    if has_children:
        return "it is a gateway itself"
    return None
