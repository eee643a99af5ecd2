"""A credential: the name and the secret with which one device signs in, and what became of it."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

_USERNAME = re.compile(r"([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,64})\.([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Username:
    """`{tenant}.{device}.{n}`, as it stands in an MQTT CONNECT: n counts a device's credentials from 1."""

    tenant_id: str
    device_id: str
    n: int

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None for what is no device's."""
        match = _USERNAME.fullmatch(text)
        return None if match is None else cls(match[1], match[2], int(match[3]))

    def __str__(self) -> str:
        return f"{self.tenant_id}.{self.device_id}.{self.n}"

    @property
    def client_id(self) -> str:
        """The only MQTT client id that the device may bear, so that nobody takes another one's session."""
        return f"{self.tenant_id}:{self.device_id}"


class State(StrEnum):
    LIVE = "LIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, kw_only=True)
class Credential:
    """One of a device's, by its number. `expires_at`: it was rotated, and ends then at the latest."""

    device_no: int
    n: int
    tenant_id: str
    username: str
    password_sha256: bytes = field(repr=False)
    issued_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    first_used_at: datetime | None = None
    last_seen_at: datetime | None = None
    last_address: str | None = None  # from where it was last let in

    def state(self, now: datetime) -> State:
        if self.revoked_at is not None:
            return State.REVOKED
        return State.LIVE if self.expires_at is None or now < self.expires_at else State.EXPIRED


@dataclass(frozen=True, kw_only=True)
class Issued:
    """The one moment at which the password is known."""

    username: Username
    password: str = field(repr=False)
