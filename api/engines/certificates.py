"""The certificate of the devices' door: its owner renews the files where they lie, the engine reads copies of its own.

Copies, because the engine may run as a user who cannot read the owner's key; and so that a pair of which only one
half is renewed yet is never served.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from api.engines.errors import EngineError


class CertificateError(EngineError):
    """The files cannot be served; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """`client_ca`: whoever connects must show a certificate of this authority."""

    cert: Path
    key: Path
    client_ca: Path | None = None

    def files(self) -> dict[str, Path]:
        """Under the names that NATS' configuration has for them."""
        known = {"cert_file": self.cert, "key_file": self.key, "ca_file": self.client_ca}
        return {name: path for name, path in known.items() if path is not None}

    def stamp(self) -> tuple[object, ...]:
        """Another one when a file was written or replaced. Raises CertificateError."""
        try:
            return tuple((at.st_ino, at.st_mtime_ns, at.st_size) for at in (p.stat() for p in self.files().values()))
        except OSError as error:
            raise CertificateError(f"the certificate cannot be read: {error}") from None

    def check(self) -> None:
        """The key is the certificate's, and all can be read. Raises CertificateError."""
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.cert, self.key, password="")
            if self.client_ca is not None:
                context.load_verify_locations(self.client_ca)
        except (OSError, ValueError) as error:
            raise CertificateError(f"the certificate {self.cert} cannot be served with its key: {error}") from None


class Served:
    """What the engine serves in `folder`. `write` puts a text where only the engine reads it."""

    def __init__(self, certificate: Certificate, folder: Path, write: Callable[[Path, str], None]) -> None:
        self._certificate, self._folder, self._write = certificate, folder, write
        self._stamp: tuple[object, ...] = ()
        self._seen: tuple[object, ...] = ()

    def place(self) -> None:
        """Raises CertificateError, and then the copies are as they were."""
        self._stamp = self._certificate.stamp()  # before it is read: what comes later is looked at again
        self._certificate.check()
        texts = {name: path.read_text() for name, path in self._certificate.files().items()}
        for name, text in texts.items():
            self._write(self._copy(name), text)

    def changed(self) -> bool:
        """And lies still since the last look: whoever renews writes one file after another. Raises CertificateError."""
        before, self._seen = self._seen, self._certificate.stamp()
        return self._seen == before != self._stamp

    def config(self) -> dict[str, object]:
        """The `tls` block."""
        copies: dict[str, object] = {name: str(self._copy(name)) for name in self._certificate.files()}
        return copies | ({"verify": True} if self._certificate.client_ca else {})

    def _copy(self, name: str) -> Path:
        return self._folder / f"door-{name.removesuffix('_file')}.pem"
