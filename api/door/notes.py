"""What happened at the door since somebody wrote it down: bounded, whoever knocks how often."""

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from api.door.asking import Ask
from api.door.violations import Violation
from devices.credentials.denials import Denied, Kind
from devices.credentials.model import Username
from devices.credentials.verify import Verdict

MOST = 10_000  # devices in one writing; of more it is only counted how often
LOG_UNREADABLE = "LOG_UNREADABLE"  # NATS' log could not be read, so that what it denied is not counted


@dataclass(kw_only=True)
class Page:
    """`used`: username -> when and from where it was let in. `denied`: by (tenant, device, kind). `counts`: of
    verdicts and of denials, all of them; `last_at`: when that was."""

    used: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    denied: dict[tuple[str, str, Kind], Denied] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    last_at: dict[str, datetime] = field(default_factory=dict)


class Notes:
    """Several threads write; whoever takes the page leaves an empty one. `totals`: since the process began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._page = Page()
        self.totals: Counter[str] = Counter()

    def take(self) -> Page:
        with self._lock:
            page, self._page = self._page, Page()
        return page

    def judged(self, ask: Ask, verdict: Verdict, now: datetime) -> None:
        with self._lock:
            self._count(verdict, now)
            if ask.username is None or verdict is Verdict.UNDECIDED:
                return
            if verdict is Verdict.LET_IN:
                self._page.used[ask.name] = (now, ask.address)
            else:
                who = ask.username
                self._deny(who.tenant_id, who.device_id, Kind.SIGN_IN, f"{ask.address} {verdict}", now)

    def violated(self, violations: Iterable[Violation]) -> None:
        with self._lock:
            for each in violations:
                kind = Kind.PUBLISH if each.published else Kind.SUBSCRIBE
                self._count(kind, each.at)
                self._deny(each.tenant_id, each.device_id, kind, each.topic, each.at)

    def hoarded(self, who: Username, held: int, now: datetime) -> None:
        with self._lock:
            self._count(Kind.SUBSCRIBE, now)
            self._deny(who.tenant_id, who.device_id, Kind.SUBSCRIBE, f"{held} subscriptions", now)

    def unreadable(self, now: datetime) -> None:
        with self._lock:
            self._count(LOG_UNREADABLE, now)

    def _count(self, what: str, at: datetime) -> None:
        self.totals[what] += 1
        self._page.counts[what] += 1
        self._page.last_at[what] = max(at, self._page.last_at.get(what, at))

    def _deny(self, tenant_id: str, device_id: str, kind: Kind, what: str, at: datetime) -> None:
        known = self._page.denied.get((tenant_id, device_id, kind))
        if known is not None:
            known.times, known.last_at, known.what = known.times + 1, max(at, known.last_at), what
        elif len(self._page.denied) < MOST:
            self._page.denied[tenant_id, device_id, kind] = Denied(
                tenant_id=tenant_id, device_id=device_id, kind=kind, times=1, first_at=at, last_at=at, what=what
            )
