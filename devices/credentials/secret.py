"""The password of a device: made by a machine for a machine, 160 random bits."""

import base64
import hashlib
import hmac
import secrets

_SEED_BYTES = 32
_BYTES = 20  # 160 bits, which base32 writes as 32 characters without padding


def new_password() -> str:
    return base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower()


def sha256(password: str) -> bytes:
    """What is kept of it. Nobody finds 160 random bits by trying, however fast a hash is: a slow one would only keep
    devices waiting that all come back at once."""
    return hashlib.sha256(password.encode()).digest()


def new_seed() -> bytes:
    return secrets.token_bytes(_SEED_BYTES)


def computed(key: bytes, seed: bytes) -> str:
    """A password that is never kept and can be said again, by who has the house's key and the seed of this credential:
    neither alone is worth anything. As long as a random one."""
    return base64.b32encode(hmac.digest(key, seed, "sha256")[:_BYTES]).decode().lower()


def mark(password_sha256: bytes) -> str:
    """Which password it is, for who must not know it: sixteen hexadecimal digits of its hash."""
    return password_sha256.hex()[:16]
