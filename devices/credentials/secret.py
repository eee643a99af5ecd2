"""The password of a device: made by a machine for a machine, 160 random bits."""

import base64
import hashlib
import secrets

_BYTES = 20  # 160 bits, which base32 writes as 32 characters without padding


def new_password() -> str:
    return base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower()


def sha256(password: str) -> bytes:
    """What is kept of it. Nobody finds 160 random bits by trying, however fast a hash is: a slow one would only keep
    devices waiting that all come back at once."""
    return hashlib.sha256(password.encode()).digest()
