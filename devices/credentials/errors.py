"""Errors of the credentials."""

from devices.errors import DevicesError


class AlreadyIssuedError(DevicesError):
    """A password is shown once; whoever lost it rotates."""

    def __init__(self, device_id: str, n: int) -> None:
        super().__init__(f"{device_id!r} has credential {n} already, and a password is shown once: rotate it")
        self.device_id, self.n = device_id, n


class NothingToRotateError(DevicesError):
    def __init__(self, device_id: str) -> None:
        super().__init__(f"{device_id!r} has no live credential to rotate: issue one")
        self.device_id = device_id


class UnknownCredentialError(DevicesError):
    def __init__(self, device_id: str, n: int) -> None:
        super().__init__(f"{device_id!r} never had a credential {n}")
        self.device_id, self.n = device_id, n
