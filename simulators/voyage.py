"""A fleet that lives and speaks: its crew in a thread, its senders on the loop, in real time or faster."""

import asyncio
import contextlib
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from devices.model import Catalogue
from simulators.crew import Crew, Spoken
from simulators.everyday import Incident
from simulators.incidents import SWITCHED_OFF
from simulators.mix import Made
from simulators.pace import FLAT_OUT, Pace
from simulators.process import now_ms
from simulators.said import Due, said_by
from simulators.sender import Sender
from simulators.trouble import Known, news
from simulators.twins import Twins

DAY_MS, MINUTE_MS = 86_400_000, 60_000
MEMORY = DAY_MS // MINUTE_MS  # readings that a unit keeps while it reaches nobody
CONNECTS_A_S = 200  # a broker's door is narrow
_TICK_S = 0.05
_LOOK_S = 1.0
_LAST_WORDS_S, _GOODBYE_S = 15.0, 5.0  # for what is under way, on a machine that is busy; for the connections' ends
_AHEAD_S = 2.0  # of ours: lived before it is said
_LIVED_AT_ONCE = 120  # minutes: all that a thousand units are then lies in memory
_AWAY = ("offline", *SWITCHED_OFF)

Say = Callable[..., None]


class Voyage:
    """`known_ms`: of each device the newest `ts` that need not be said again."""

    def __init__(
        self,
        made: Sequence[Made],
        senders: Sequence[Sender],
        classes: Catalogue,
        start_ms: int,
        speed: float,
        known_ms: Mapping[str, int] | None = None,
    ) -> None:
        self.senders, self._pace = senders, Pace(start_ms=start_ms, begin_ms=start_ms, speed=speed)
        self._names = [classes[each.class_id].metric_names for each in made]
        self._known_ms = [(known_ms or {}).get(each.device_id, 0) for each in made]
        self._crew = Crew(made, classes, start_ms)
        self._coming: list[deque[Due]] = [deque() for _ in made]
        self._away: list[deque[Incident]] = [deque(_away(each.unit.incidents)) for each in made]
        self._twins = Twins(made, self._crew, classes)
        for i, sender in enumerate(senders):
            sender.twin = self._twins.told(i)
        self._news: deque[tuple[int, Incident]] = deque()  # from the thread that lives
        self._caught_up, self._known = False, Known()
        self.connected_s: float | None = None  # since `run` began, until all that were not away were connected

    @property
    def next_ms(self) -> int:
        """Of the fleet's time: what it has not lived yet."""
        return self._crew.next_ms

    async def run(self, say: Say, seconds: float | None = None) -> None:
        """For ever, or for so long; then all disconnect in good order. What goes wrong in a sender's task ends the
        fleet."""
        async with asyncio.TaskGroup() as group:
            connects = [each.keep_connected(i / CONNECTS_A_S) for i, each in enumerate(self.senders)]
            keepers = [group.create_task(connect) for connect in connects]
            try:
                await self._live(say, None if seconds is None else time.monotonic() + seconds)
            finally:
                await self._end(keepers)

    async def _end(self, keepers: Sequence[asyncio.Task[None]]) -> None:
        """What is under way is waited for, within reason."""
        for sender in self.senders:
            sender.finish()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await asyncio.gather(*(each.answered.wait() for each in self.senders if each.connected))
        for keeper in keepers:
            keeper.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                await asyncio.gather(*(each.close() for each in self.senders))

    async def _live(self, say: Say, until_s: float | None) -> None:
        growing: asyncio.Task[None] | None = None
        looked_s, began_s = 0.0, time.monotonic()
        self._pace = replace(self._pace, begin_ms=now_ms())
        while until_s is None or time.monotonic() < until_s:
            ours_ms = now_ms()
            at_ms = self._pace.at_ms(ours_ms)
            if growing is not None and growing.done():
                growing.result()
                growing = None
            if growing is None and (steps := self._steps(at_ms, ours_ms)) > 0:
                growing = asyncio.create_task(asyncio.to_thread(self.grow, steps))
            self.turn(at_ms)
            if self.connected_s is None and all(each.connected for each in self.senders if each.wanted):
                self.connected_s = round(time.monotonic() - began_s, 2)
            if time.monotonic() - looked_s >= _LOOK_S:
                looked_s = time.monotonic()
                self._look(looked_s, at_ms, ours_ms)
                self._tell(say, at_ms, ours_ms)
            await asyncio.sleep(_TICK_S)
        if growing is not None:
            await growing

    def _steps(self, at_ms: int, ours_ms: int) -> int:
        """How many minutes to live now: a little ahead of what is said, at most a day at once."""
        if self._pace.speed == FLAT_OUT and ours_ms - self.next_ms > MINUTE_MS:
            if sum(each.unfinished for each in self.senders) > len(self.senders) * MEMORY // 2:
                return 0  # while one day is sent the next one is lived, and no more
            ahead_ms = DAY_MS
        else:
            ahead_ms = int(_AHEAD_S * 1000 * min(self._pace.speed, 1e6))
        return min(DAY_MS, min(at_ms + ahead_ms, ours_ms + MINUTE_MS) - self.next_ms) // MINUTE_MS

    def grow(self, steps: int) -> None:
        for done in range(0, steps, _LIVED_AT_ONCE):
            self.hear(self._crew.advance(min(_LIVED_AT_ONCE, steps - done)))

    def hear(self, spoken: Spoken) -> None:
        """What is said to be sent when it is due."""
        for i, coming in enumerate(self._coming):
            known_ms = self._known_ms[i]
            coming.extend(due for due in said_by(spoken, i, self._names[i]) if due[1][0] > known_ms)
        self._news.extend(spoken.happened)

    def turn(self, at_ms: int) -> None:
        """What is due by now is the senders' to send; who is away by now is cut off."""
        while self._news:
            i, incident = self._news.popleft()
            self._away[i] = deque(_away([*self._away[i], incident]))
        twins = self._twins
        for i, (sender, coming, away) in enumerate(zip(self.senders, self._coming, self._away, strict=True)):
            while coming and coming[0][0] <= at_ms:
                due_ms, said = coming.popleft()
                if twins.measures(i, due_ms):
                    sender.waiting.append(said)
            while away and away[0].until_ms is not None and away[0].until_ms <= at_ms:
                sender.come_back(newest_first=bool(away.popleft().size))
            if away and away[0].at_ms <= at_ms:
                sender.go_offline()
            elif sender.waiting:
                sender.push()

    def _look(self, now_s: float, at_ms: int, ours_ms: int) -> None:
        live = self._caught_up or self._pace.speed != FLAT_OUT
        for i in self._twins.changed(at_ms):
            self.senders[i].report()
        for sender in self.senders:
            sender.look(now_s)
            if live:  # the past that a fleet begins with is in no appliance's memory
                sender.forget_beyond(MEMORY)
        self._say_trouble()
        if not self._caught_up and self.next_ms > ours_ms - MINUTE_MS and at_ms == ours_ms:
            self._caught_up = all(not each.connected or each.unfinished <= 1 for each in self.senders)
            self._caught_up &= any(each.connected for each in self.senders)

    def _say_trouble(self) -> None:
        wanted = [each for each in self.senders if each.wanted]
        through = sum(each.connected and each.trouble is None for each in wanted)
        troubles = [each.trouble for each in wanted if each.trouble is not None]
        self._known, sentence = news(self._known, self.senders[0].broker.url, through, len(wanted), troubles)
        if sentence is not None:
            print(f"fleet: {sentence}", file=sys.stderr, flush=True)

    def _tell(self, say: Say, at_ms: int, ours_ms: int) -> None:
        connected = sum(each.connected for each in self.senders)
        acknowledged = sum(each.count.readings for each in self.senders)
        waiting = sum(each.unfinished for each in self.senders)
        more = {
            "connected": connected,
            "acknowledged": acknowledged,
            "waiting": waiting,
            "reconnects": sum(max(0, each.count.connects - 1) for each in self.senders),
        }
        if self._caught_up:
            say("live", connected, len(self.senders), **more)
            return
        begin_ms = self._pace.start_ms
        done, total = ((ms - begin_ms) // MINUTE_MS * len(self.senders) for ms in (min(at_ms, self.next_ms), ours_ms))
        say("history", max(0, done - waiting), total, **more)


def _away(incidents: Iterable[Incident]) -> list[Incident]:
    return sorted((each for each in incidents if each.name in _AWAY), key=lambda incident: incident.at_ms)
