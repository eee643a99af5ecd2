"""Who came in at Mosquitto, as its log says it:

New client connected from 10.0.0.7:40544 as demo:d1 (p5, c1, k60, u'demo.d1.1').
"""

import re

from devices.credentials.model import Username

TOPIC = "$SYS/broker/log/N"  # its notices, where its configuration has `log_dest topic`
_CAME_IN = re.compile(r"New client connected from (\S+):\d+ as \S+ \(.*u'([^']+)'\)")


def read(line: str) -> tuple[str, str] | None:
    """Username and address of a device; None for every other line."""
    found = _CAME_IN.search(line)
    return (found[2], found[1]) if found and Username.read(found[2]) else None
