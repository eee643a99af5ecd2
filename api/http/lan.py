"""The local network: which address of ours it sees, and a code to scan it from."""

import socket
import sys
from urllib.parse import urlsplit

import segno

from api.settings import Settings

NO_NETWORK = "127.0.0.1"
HERE = frozenset({"127.0.0.1", "localhost", "::1"})


def address() -> str:
    """Our address towards the default route, NO_NETWORK without one; no packet is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: documentation, routed nowhere
        except OSError:
            return NO_NETWORK
        return str(probe.getsockname()[0])


def names(settings: Settings) -> frozenset[str]:
    """The name in the links that we send out is a name that we answer to."""
    name = urlsplit(settings.base_url).hostname
    return frozenset({name} if name else ())


def announce(host: str, port: int) -> None:
    url = f"http://{host}:{port}/r/"
    sys.stdout.write(f"\nPublic pages on the local network: {url}\n")
    segno.make_qr(url).terminal(out=sys.stdout, compact=True)
    sys.stdout.flush()
