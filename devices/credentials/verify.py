"""Whether somebody who calls himself a device is let in."""

import hmac
from datetime import datetime
from enum import StrEnum

from devices.credentials import secret
from devices.credentials.model import Credential, State, Username

_NOBODY = bytes(32)  # compared with where there is no such credential, so that an answer takes as long


class Verdict(StrEnum):
    LET_IN = "LET_IN"
    NO_DEVICE = "NO_DEVICE"  # the name is no device's
    UNKNOWN = "UNKNOWN"  # no such credential was ever issued
    WRONG_PASSWORD = "WRONG_PASSWORD"  # noqa: S105
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    FOREIGN_CLIENT_ID = "FOREIGN_CLIENT_ID"
    FOREIGN_CERTIFICATE = "FOREIGN_CERTIFICATE"  # it came with another device's
    LIMITED = "LIMITED"  # too many wrong passwords before: not looked at
    UNDECIDED = "UNDECIDED"  # the record is away, and nothing is remembered of it


def judge(
    username: Username | None, credential: Credential | None, password: str, client_id: str, now: datetime
) -> Verdict:
    """What is wrong beside the password is said only to who has that."""
    if username is None:
        return Verdict.NO_DEVICE
    kept = credential.password_sha256 if credential else _NOBODY
    fits = hmac.compare_digest(secret.sha256(password), kept)
    if credential is None:
        return Verdict.UNKNOWN
    if not fits:
        return Verdict.WRONG_PASSWORD
    state = credential.state(now)
    if state is not State.LIVE:
        return Verdict.REVOKED if state is State.REVOKED else Verdict.EXPIRED
    return Verdict.LET_IN if client_id == username.client_id else Verdict.FOREIGN_CLIENT_ID
