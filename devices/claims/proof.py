"""Whether somebody has shown that an appliance is his to claim. Pure: what is known and typed in, a verdict out."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from devices import labels
from devices.claims.model import Secret, Verdict, Waiting
from devices.model import Device, DeviceState

GROUPS, GROUP = 4, 4
LENGTH = GROUPS * GROUP  # of 5 bits each: 80, which nobody tries out, not even with the database in his hands


def spell(entropy: bytes) -> str:
    """A secret from at least 10 random bytes, in groups as it is printed: `k7m2-9xqd-4tp8-n3vz`."""
    bits = int.from_bytes(entropy, "big")
    if len(entropy) * 8 < LENGTH * 5:
        raise ValueError(f"{LENGTH * 5} bits needed, {len(entropy) * 8} given")
    text = "".join(labels.ALPHABET[bits >> 5 * place & 31] for place in reversed(range(LENGTH)))
    return "-".join(text[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def sha256(device_no: int, secret: str) -> bytes:
    """Of a device's own: the same secret of another one has another hash."""
    return hashlib.sha256(f"{device_no}:{labels.read(secret)}".encode()).digest()


def open_to_claims(device: Device) -> Verdict | None:
    """Why nobody can claim it, whatever he shows."""
    if device.state in (DeviceState.RETIRED, DeviceState.REPLACED):
        return Verdict.GONE
    return Verdict.OWNED if device.customer_id is not None else None


def by_secret(secret: Secret | None, typed_sha256: bytes, now: datetime, lost_at: datetime | None = None) -> Verdict:
    """`lost_at`: when an owner last lost the appliance. Whoever had it may know the secrets of before."""
    right = secret is not None and hmac.compare_digest(secret.secret_sha256, typed_sha256)
    if secret is None or not right or secret.spent_at is not None:
        return Verdict.WRONG
    lost = lost_at is not None and secret.issued_at < lost_at
    return Verdict.EXPIRED if lost or now >= secret.expires_at else Verdict.BOUND


def by_press(waiting: Sequence[Waiting], token_sha256: bytes, pressed: Sequence[datetime], now: datetime) -> Verdict:
    """`waiting`: all claims of the device that are not spent. `pressed`: when the log received its presses.

    A press counts for whoever waited for it alone: of two who did, nobody knows which one stood there.
    """
    mine = next((each for each in waiting if hmac.compare_digest(each.token_sha256, token_sha256)), None)
    if mine is None or mine.spent_at is not None or now >= mine.expires_at:
        return Verdict.EXPIRED
    ours = [at for at in pressed if mine.begun_at < at <= mine.press_by]
    if not ours:
        return Verdict.NOT_PRESSED if now <= mine.press_by else Verdict.EXPIRED
    rivals = [each for each in waiting if each.address_sha256 != mine.address_sha256]
    alone = [at for at in ours if not any(each.begun_at < at <= each.press_by for each in rivals)]
    return Verdict.BOUND if alone else Verdict.CONTESTED
