"""When each device was last heard, in the log's time, and its rhythm: arrays by `device_no`, a fold over the log.

What a batch brings is only put aside; it is worked in some thousand messages at a time, or when somebody looks. The
memory is the same however the log is cut into batches.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ingest.model import Batch, Ints
from ingest.presence import rhythm
from ingest.presence.model import Cause, Spoken, State, Word
from ingest.presence.rhythm import Pace, Rhythm

AT_ONCE = 4096  # messages
LEARNED_FROM = 64  # readings of a device
_TIMES = ("last_ms", "gone_ms", "died_ms", "asleep_ms", "since_ms", "back_ms")
_KEPT = ("last_ms", "gone_ms", "died_ms", "asleep_ms")  # by a checkpoint; what the record says is read from there


class Heard:
    """`last_ms`: when last heard, 0: never. `gone_ms`, `died_ms`: when somebody said that it is gone, 0 once it is
    heard again; `asleep_ms`: until when it sleeps. `state`, `since_ms`: as the record has them; `back_ms`: when it was
    first heard in a state that is not ONLINE."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.last_ms, self.gone_ms, self.died_ms, self.asleep_ms, self.since_ms, self.back_ms = (
            np.zeros(0, np.int64) for _ in _TIMES
        )
        self.state = np.zeros(0, np.int8)
        self.rhythm = Rhythm.blank(0)
        self.urgent = False  # somebody said a word
        self._aside: list[Spoken] = []
        self._count = 0

    def hear(self, spoken: Spoken) -> None:
        if not len(spoken.device_no):
            return
        self._aside.append(spoken)
        self._count += len(spoken.device_no)
        self.urgent = self.urgent or bool(spoken.words)
        if self._count >= AT_ONCE:
            self.settle()

    def learn(self, batch: Batch) -> None:
        """From readings of the record, by device and there in the order of the log: the newest of each."""
        left = np.searchsorted(batch.device_no, batch.device_no, side="right") - np.arange(len(batch))
        rows = left <= LEARNED_FROM
        self.hear(Spoken(device_no=batch.device_no[rows], received_ms=batch.received_ms[rows]))

    def settle(self) -> None:
        """Work in what was put aside."""
        aside, self._aside, self._count = self._aside, [], 0
        if not aside:
            return
        device_no = np.concatenate([spoken.device_no for spoken in aside])
        received_ms = np.concatenate([spoken.received_ms for spoken in aside])
        self.room_for(int(device_no.max()))
        self._note_returns(device_no, received_ms)
        self._learn(device_no, received_ms)
        begin = 0
        for spoken in aside:
            for word in spoken.words:
                self._take(word, later=device_no[begin + word.place + 1 :])
            begin += len(spoken.device_no)

    def room_for(self, device_no: int) -> None:
        more = device_no + 1 - len(self.last_ms)
        if more <= 0:
            return
        more = max(more, len(self.last_ms))  # doubled, so that joining devices cost little each
        for name in _TIMES:
            setattr(self, name, np.concatenate([getattr(self, name), np.zeros(more, np.int64)]))
        self.state = np.concatenate([self.state, np.zeros(more, np.int8)])
        old, rows = self.rhythm, np.arange(len(self.rhythm.gaps))
        self.rhythm = Rhythm.blank(len(rows) + more)
        self.rhythm.put(rows, old)
        self.state[0] = State.ONLINE  # nobody, who never comes back

    def devices(self) -> Ints:
        """All that were ever heard."""
        return np.flatnonzero(self.last_ms)

    def patience_ms(self, device_no: Ints) -> Ints:
        return rhythm.patience_ms(self.rhythm.take(device_no), self.pace).astype(np.int64)

    def recall(self, device_no: Ints, state: Ints, since_ms: Ints, until_ms: Ints) -> None:
        """What the record says of devices, (n,) each; what is remembered of the log is newer than that."""
        self.room_for(int(device_no.max(initial=0)))
        self.state[device_no], self.since_ms[device_no] = state, since_ms
        unheard = self.last_ms[device_no] <= since_ms
        for said, what in ((self.gone_ms, State.GONE), (self.died_ms, State.DEAD)):
            rows = unheard & (state == what)
            said[device_no[rows]] = since_ms[rows]
            said[device_no[(state == State.AWAITED) & (said[device_no] <= since_ms)]] = 0
        asleep = unheard & (state == State.ASLEEP)
        self.asleep_ms[device_no[asleep]] = until_ms[asleep]

    def awaited(self, device_no: Ints, since_ms: Ints) -> None:
        """Somebody saw that what they stand behind is back; (n,) each."""
        self.room_for(int(device_no.max(initial=0)))
        rows = self.state[device_no] != State.AWAITED
        who = device_no[rows]
        self.state[who], self.since_ms[who] = State.AWAITED, since_ms[rows]
        self.gone_ms[who] = self.died_ms[who] = 0

    def _note_returns(self, device_no: Ints, received_ms: Ints) -> None:
        away = np.flatnonzero((self.state[device_no] != State.ONLINE) & (self.back_ms[device_no] == 0))
        if len(away):
            who, first = np.unique(device_no[away], return_index=True)
            self.back_ms[who] = received_ms[away][first]

    def _learn(self, device_no: Ints, received_ms: Ints) -> None:
        """One gap of every device at a time: most have one."""
        grains = received_ms // self.pace.grain_ms
        begin = grains.min()
        owner, grain = np.divmod(np.unique(device_no * (span := grains.max() - begin + 1) + grains - begin), span)
        owner, grain = owner[owner > 0], grain[owner > 0] + begin  # 0 is nobody
        who, start, count = np.unique(owner, return_index=True, return_counts=True)
        last = self.last_ms[who] // self.pace.grain_ms
        kept = self.rhythm.take(who)
        for turn in range(int(count.max(initial=0))):
            now = grain[start + np.minimum(turn, count - 1)]
            rows = np.flatnonzero((now > last) & (last > 0))
            if len(rows):
                kept.put(rows, rhythm.after(kept.take(rows), (now - last)[rows] * self.pace.grain_ms, self.pace))
            last = np.maximum(last, now)
        self.rhythm.put(who, kept)
        np.maximum.at(self.last_ms, device_no, received_ms)
        self.last_ms[0] = 0
        for said in (self.gone_ms, self.died_ms, self.asleep_ms):
            said[who] = 0

    def _take(self, word: Word, later: Ints) -> None:
        """Whatever came after it from the device says that it is there, as does its own word that it is."""
        self.room_for(word.device_no)
        if word.online or (later == word.device_no).any():
            return
        if word.sleep_ms:
            self.asleep_ms[word.device_no] = word.received_ms + word.sleep_ms
        else:
            said = self.died_ms if word.cause is Cause.DEATH else self.gone_ms
            said[word.device_no] = word.received_ms
            self.back_ms[word.device_no] = 0
            if not self.last_ms[word.device_no]:
                self.last_ms[word.device_no] = word.received_ms  # all that is known of it

    def dump(self) -> dict[str, Any]:
        self.settle()
        device_no = self.devices()
        kept = self.rhythm.take(device_no)
        return {
            "heard/device_no": device_no,
            **{f"heard/{name}": getattr(self, name)[device_no] for name in _KEPT},
            **{f"heard/{name}": array for name, array in vars(kept).items()},
        }

    def load(self, arrays: Mapping[str, Any]) -> None:
        device_no = arrays["heard/device_no"]
        self.room_for(int(device_no.max(initial=0)))
        for name in _KEPT:
            getattr(self, name)[device_no] = arrays[f"heard/{name}"]
        self.rhythm.put(device_no, Rhythm(**{name: arrays[f"heard/{name}"] for name in vars(self.rhythm)}))
