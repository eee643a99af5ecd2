"""What the door remembers of credentials, for when the record is away: bounded in number and in time."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from devices.credentials.model import Credential

MOST = 100_000  # some 60 MB
TRUST_S = 3600.0  # a credential that was read so long ago is no longer trusted without the record


class Remembered:
    """Credentials by username as they were last read; whoever was asked for longest ago is forgotten first."""

    def __init__(self, most: int = MOST, trust_s: float = TRUST_S) -> None:
        self._most, self._trust_s = most, trust_s
        self._known: OrderedDict[str, tuple[float, Credential]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def keep(self, asked: Iterable[str], found: Mapping[str, Credential], now_s: float) -> None:
        """What was asked for and not found is not there any more."""
        for username in asked:
            self._known.pop(username, None)
            if username in found:
                self._known[username] = (now_s, found[username])
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def forget(self, usernames: Iterable[str]) -> None:
        for username in usernames:
            self._known.pop(username, None)

    def find(self, asked: Iterable[str], now_s: float) -> dict[str, Credential]:
        """Those that may still be trusted."""
        known = ((username, self._known.get(username)) for username in asked)
        return {name: kept[1] for name, kept in known if kept is not None and now_s - kept[0] < self._trust_s}
