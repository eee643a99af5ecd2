"""What each device is at a moment of the log's time, and what of that is news."""

from dataclasses import dataclass

import numpy as np

from ingest.model import Ints
from ingest.presence.heard import Heard
from ingest.presence.model import State


@dataclass(frozen=True, kw_only=True)
class News:
    """(n,) each: devices that are something else than the record says, and since when. `until_ms`: of those asleep."""

    device_no: Ints
    state: Ints
    since_ms: Ints
    patience_ms: Ints
    until_ms: Ints

    def __len__(self) -> int:
        return len(self.device_no)

    def where(self, *states: State) -> "News":
        rows = np.isin(self.state, states)
        return News(**{name: array[rows] for name, array in vars(self).items()})

    def first(self, most: int) -> "News":
        """The others are still news the next time."""
        return News(**{name: array[:most] for name, array in vars(self).items()})


def judge(heard: Heard, now_ms: int, listening_ms: int, proven_ms: Ints | None = None) -> News:
    """`now_ms`: up to when the log was read; `listening_ms`: since when devices could reach us. `proven_ms`: by
    device_no, when somebody behind a gateway was last heard, which the gateway must have passed on."""
    who = heard.devices()
    last, was, stood_ms = heard.last_ms[who], heard.state[who].astype(np.int64), heard.since_ms[who]
    gone, dead, wakes_ms = heard.gone_ms[who], heard.died_ms[who], heard.asleep_ms[who]
    patience = heard.patience_ms(who)
    asleep = wakes_ms > now_ms
    unheard = last <= stood_ms  # since it is what it is
    waking = (was == State.ASLEEP) & (wakes_ms > 0) & ~asleep
    awaited = (was == State.AWAITED) & unheard | waking
    begin = np.maximum(last, listening_ms)
    begin = np.maximum(begin, np.where(wakes_ms > 0, wakes_ms, 0))
    begin = np.maximum(begin, np.where(was == State.AWAITED, stood_ms, 0))
    if proven_ms is not None:
        begin = np.maximum(begin, proven_ms[who])
    overdue = now_ms - begin > patience
    state = np.select(
        [dead > 0, gone > 0, asleep, (was == State.SILENT) & unheard, overdue, awaited],
        [State.DEAD, State.GONE, State.ASLEEP, State.SILENT, State.SILENT, State.AWAITED],
        State.ONLINE,
    )
    back = np.where(heard.back_ms[who] > 0, heard.back_ms[who], last)
    since = np.select(
        [state == State.DEAD, state == State.GONE, state == State.ASLEEP, state == State.ONLINE, waking],
        [dead, gone, last, back, wakes_ms],
        np.where(was == State.AWAITED, np.maximum(last, stood_ms), last),
    )
    rows = state != was
    return News(
        device_no=who[rows],
        state=state[rows],
        since_ms=since[rows],
        patience_ms=patience[rows],
        until_ms=wakes_ms[rows],
    )


def settled(heard: Heard, news: News) -> None:
    """The record says so now."""
    who = news.device_no
    heard.state[who] = news.state
    heard.since_ms[who] = news.since_ms
    heard.back_ms[who] = 0
