"""Why devices have no connection to their broker, and what a fleet says of it: one sentence whenever that changes."""

import errno
import socket
import ssl
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from simulators.line import NoMqttError, RefusedError

QUIET_S = 5.0  # a broker that has not answered for so long is one that does not ...
SLOW_S = 10.0  # ... but on a busy day an acknowledgement may take longer


class Why(Enum):
    """What it is, and what to look at."""

    REFUSED = "nobody listens there; is the broker running (make up), and is that its address (--broker)?"
    NO_HOST = "there is no host of that name; is it spelt right (--broker)?"
    NO_WAY = "there is no way to it ({said}); is that its address (--broker), and this machine on its network?"
    SILENT = (
        "it does not answer; does it hang, is a firewall between, and does it speak MQTT on that port, "
        "without TLS for mqtt:// and with it for mqtts://?"
    )
    ENDS = (
        "it ends connections without an answer; "
        "does it want TLS on that port (mqtts://) or none (mqtt://), and has it room for so many?"
    )
    NO_MQTT = "it answers, but not in MQTT; is that its port (--broker)?"
    TLS = "no TLS with it ({said}); is that a port with TLS, and does --ca name who signed its certificate?"
    SIGN_IN = (
        "it {said}; give it credentials that are valid now "
        "(--credentials, as foremend credentials issue --all writes them, or --register)."
    )
    UNWILLING = "it {said}; look into its log."
    LOST = "the connection was lost; was it stopped, or the network between?"
    UNANSWERED = "it acknowledges nothing any more; does it hang, or is its disk full?"


# The first that fits: some are kinds of those after them.
_MET: tuple[tuple[type[Exception], Why], ...] = (
    (NoMqttError, Why.NO_MQTT),
    (TimeoutError, Why.SILENT),
    (ssl.SSLError, Why.TLS),
    (socket.gaierror, Why.NO_HOST),
    (ConnectionRefusedError, Why.REFUSED),
    (ConnectionError, Why.ENDS),
)


@dataclass(frozen=True, kw_only=True)
class Trouble:
    why: Why
    device: str
    said: str = ""

    @property
    def sentence(self) -> str:
        return self.why.value.format(said=self.said)


def met(device: str, error: Exception) -> Trouble:
    """What a device met that wanted to connect."""
    return Trouble(why=_why(error), device=device, said=str(error) or type(error).__name__)


def _why(error: Exception) -> Why:
    if isinstance(error, RefusedError):
        return Why.SIGN_IN if error.signs_in else Why.UNWILLING
    for kind, why in _MET:
        if isinstance(error, kind):
            return why
    # A name with several addresses was tried at each, and asyncio says what came of them in words alone.
    return Why.REFUSED if f"[Errno {errno.ECONNREFUSED}]" in str(error) else Why.NO_WAY


@dataclass(frozen=True, kw_only=True)
class Known:
    """What was said last: what is wrong, if anything, and whether nobody gets through."""

    why: Why | None = None
    nobody: bool = False


def news(known: Known, url: str, through: int, wanted: int, troubles: Sequence[Trouble]) -> tuple[Known, str | None]:
    """Of `wanted` devices so many are `through`. Of several troubles the most frequent one is spoken of."""
    if not troubles:
        if known.why is None or not through:
            return known, None
        return Known(), f"{url} answers: {through} of {wanted} devices are connected."
    counts = Counter(each.why for each in troubles)
    why = max(counts, key=lambda each: (counts[each], each is known.why))
    now = Known(why=why, nobody=not through)
    if now == known:
        return now, None
    if why is known.why and through:
        return now, f"{url} answers: {through} of {wanted} devices are connected, the others try on."
    example = next(each for each in troubles if each.why is why)
    return now, (
        f"no connection to {url}: {example.sentence} {through} of {wanted} devices are connected; "
        f"the others try on, {example.device} for one."
    )
