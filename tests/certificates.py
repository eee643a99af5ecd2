"""Certificates as docs/how-to/encrypt-the-door.md makes them."""

import os
import socket
import ssl
import subprocess
from pathlib import Path

from api.engines.certificates import Certificate

_SCRIPT = Path(__file__).parents[1] / "deploy" / "make-certificates.sh"


def make(folder: Path, kind: str, *names: str, days: int = 90) -> Path:
    """The folder of what was made, certificate and key."""
    environment = {**os.environ, "DAYS": str(days)}
    subprocess.run(["/bin/sh", str(_SCRIPT), str(folder), kind, *names], env=environment, check=True)
    return folder / ("door" if kind == "door" else f"devices/{names[0]}")


def ca(folder: Path) -> Path:
    return folder / "public" / "ca.pem"


def of_door(folder: Path, name: str = "127.0.0.1", *, days: int = 90, client_ca: Path | None = None) -> Certificate:
    made = make(folder, "door", "127.0.0.1", name, days=days)
    return Certificate(cert=made / "cert.pem", key=made / "key.pem", client_ca=client_ca)


def serial(port: int, ca_file: Path, own: Path | None = None) -> object:
    """Of the certificate that a door shows."""
    context = ssl.create_default_context(cafile=ca_file)
    if own is not None:
        context.load_cert_chain(own / "cert.pem", own / "key.pem")
    wire = socket.create_connection(("127.0.0.1", port), 60)
    with context.wrap_socket(wire, server_hostname="127.0.0.1") as encrypted:
        return (encrypted.getpeercert() or {})["serialNumber"]
