"""What a device may say and hear: its own topics, and nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Permissions:
    """MQTT topic filters."""

    publish: str
    subscribe: str


def permissions(tenant_id: str, device_id: str) -> Permissions:
    """
    >>> permissions("demo", "fridge-1")
    Permissions(publish='fm/demo/fridge-1/up/#', subscribe='fm/demo/fridge-1/down/#')
    """
    own = f"fm/{tenant_id}/{device_id}"
    return Permissions(publish=f"{own}/up/#", subscribe=f"{own}/down/#")
