"""What a device is at a moment: by its broker's word, by silence, by what it said itself."""

import numpy as np
import pytest

from ingest.model import Message, Reason
from ingest.payloads.model import Flaw
from ingest.presence.heard import Heard
from ingest.presence.model import BridgeWord, Cause, State, Word
from ingest.presence.silence import judge, settled
from ingest.presence.will import MOST_BYTES, read, read_bridge, say_bridge
from tests.presence.builders import DAY, HOUR, MINUTE, SECOND, START_MS, a_batch, every, heard

END = 99 * MINUTE  # of a device that spoke once a minute


def a_regular(*more: tuple[int, int], words: tuple[Word, ...] = ()) -> Heard:
    return heard(every(MINUTE, 100), a_batch(*more, words=words)) if more else heard(every(MINUTE, 100))


def a_word(at_ms: int, *, place: int = 0, device_no: int = 1, online: bool = False, **more: object) -> Word:
    return Word(place, device_no, START_MS + at_ms, online=online, **more)  # type: ignore[arg-type]


def states(memory: Heard, at_ms: int, listening_ms: int = 0) -> dict[int, State]:
    """News at that moment, which the record then holds."""
    news = judge(memory, START_MS + at_ms, START_MS + listening_ms)
    settled(memory, news)
    return {int(who): State(int(state)) for who, state in zip(news.device_no, news.state, strict=True)}


def test_it_is_online_once_it_is_heard_and_silent_when_its_patience_is_over() -> None:
    memory = a_regular()
    assert states(memory, END) == {1: State.ONLINE}
    assert states(memory, END + 2 * MINUTE) == {}
    assert states(memory, END + 5 * MINUTE) == {1: State.SILENT}
    assert memory.since_ms[1] == START_MS + END
    assert states(memory, END + HOUR) == {}


def test_whatever_it_says_later_brings_it_back_and_the_first_word_says_when() -> None:
    memory = a_regular()
    states(memory, END)
    states(memory, END + HOUR)
    memory.hear(a_batch((1, END + HOUR + SECOND), (1, END + HOUR + 9 * SECOND)))
    memory.settle()
    news = judge(memory, START_MS + END + HOUR + 10 * SECOND, 0)
    assert (news.state.tolist(), news.since_ms.tolist()) == ([State.ONLINE], [START_MS + END + HOUR + SECOND])


def test_who_came_and_went_between_two_looks_is_back_since_it_came_last() -> None:
    memory = a_regular()
    states(memory, END)
    states(memory, END + HOUR)
    gone = a_word(END + HOUR + 2 * SECOND, place=1)
    memory.hear(a_batch((1, END + HOUR + SECOND), (0, END + HOUR + 2 * SECOND), words=[gone]))
    memory.settle()
    memory.hear(a_batch((1, END + HOUR + 9 * SECOND)))
    memory.settle()
    news = judge(memory, START_MS + END + HOUR + 10 * SECOND, 0)
    assert (news.state.tolist(), news.since_ms.tolist()) == ([State.ONLINE], [START_MS + END + HOUR + 9 * SECOND])


def test_who_is_awaited_need_not_have_been_heard_here() -> None:
    """Another worker wrote it down, of a device that this one never met."""
    memory = a_regular()
    memory.awaited(np.array([900]), np.array([START_MS]))
    assert (memory.state[900], memory.since_ms[900]) == (State.AWAITED, START_MS)


def test_who_was_said_to_be_gone_is_awaited_when_what_it_stands_behind_is_back() -> None:
    memory = a_regular((0, END + SECOND), words=(a_word(END + SECOND),))
    assert states(memory, END + 2 * SECOND) == {1: State.GONE}
    memory.awaited(np.array([1]), np.array([START_MS + END + MINUTE]))
    assert states(memory, END + MINUTE + SECOND) == {}
    assert memory.state[1] == State.AWAITED


def test_after_we_were_down_everybody_has_his_patience_again_and_who_was_out_stays_out() -> None:
    memory = heard(every(MINUTE, 100), every(MINUTE, 50, device_no=2))
    states(memory, END)
    assert memory.state[1:3].tolist() == [State.ONLINE, State.SILENT]
    assert states(memory, END + 5 * HOUR, listening_ms=END + 5 * HOUR - 2 * MINUTE) == {}
    assert memory.state[1:3].tolist() == [State.ONLINE, State.SILENT]
    assert states(memory, END + 5 * HOUR + 5 * MINUTE, listening_ms=END + 5 * HOUR - 2 * MINUTE) == {1: State.SILENT}


def test_a_last_will_says_offline_at_once_and_any_later_message_online() -> None:
    memory = a_regular((0, END + SECOND), words=(a_word(END + SECOND),))
    assert states(memory, END + 2 * SECOND) == {1: State.GONE}
    assert memory.since_ms[1] == START_MS + END + SECOND
    memory.hear(a_batch((1, END + 3 * SECOND)))
    memory.settle()
    assert states(memory, END + 4 * SECOND) == {1: State.ONLINE}


@pytest.mark.parametrize(("order", "expected"), [((0, 1), State.ONLINE), ((1, 0), State.GONE)])
def test_of_one_moment_the_log_s_order_decides(order: tuple[int, int], expected: State) -> None:
    """(0, 1): the will, then a message."""
    place = order.index(0)
    memory = a_regular(*((each, END + SECOND) for each in order), words=(a_word(END + SECOND, place=place),))
    assert states(memory, END + SECOND) == {1: expected}


def test_a_death_is_another_cause_and_a_birth_ends_it() -> None:
    memory = a_regular((0, END + SECOND), words=(a_word(END + SECOND, cause=Cause.DEATH),))
    assert states(memory, END + SECOND) == {1: State.DEAD}
    memory.hear(a_batch((1, END + 2 * SECOND), words=(a_word(END + 2 * SECOND, online=True),)))
    memory.settle()
    assert states(memory, END + 2 * SECOND) == {1: State.ONLINE}


def test_who_says_that_it_sleeps_is_not_silent_and_has_its_patience_when_it_should_wake() -> None:
    memory = a_regular((1, END + SECOND), words=(a_word(END + SECOND, sleep_ms=DAY),))
    assert states(memory, END + HOUR) == {1: State.ASLEEP}
    assert states(memory, END + DAY + MINUTE) == {1: State.AWAITED}
    assert states(memory, END + DAY + HOUR) == {1: State.SILENT}
    memory.hear(a_batch((1, END + 2 * DAY)))
    memory.settle()
    assert states(memory, END + 2 * DAY) == {1: State.ONLINE}


def test_who_is_awaited_is_heard_or_silent_on_its_own() -> None:
    memory = heard(every(MINUTE, 100), every(MINUTE, 100, device_no=2))
    memory.state[1:3] = State.AWAITED
    memory.since_ms[1:3] = START_MS + END + HOUR
    assert states(memory, END + HOUR + MINUTE) == {}
    memory.hear(a_batch((2, END + HOUR + 2 * MINUTE)))
    memory.settle()
    assert states(memory, END + HOUR + 5 * MINUTE) == {1: State.SILENT, 2: State.ONLINE}
    assert memory.since_ms[1] == START_MS + END + HOUR


@pytest.mark.parametrize(
    ("state", "since_ms", "then"),
    [
        (State.AWAITED, END + MINUTE, {}),
        (State.GONE, END + SECOND, {}),
        (State.SILENT, END, {1: State.GONE}),
        (State.UNKNOWN, 0, {1: State.GONE}),
    ],
)
def test_a_worker_that_starts_goes_on_from_the_log_and_the_record(
    state: State, since_ms: int, then: dict[int, State]
) -> None:
    """Of a device whose will has come: the record may know more of it than the log, or less."""
    before = a_regular((0, END + SECOND), words=(a_word(END + SECOND),))
    memory = Heard(before.pace)
    memory.load(before.dump())
    one = np.array([1])
    memory.recall(one, np.array([state]), np.array([START_MS + since_ms]), np.array([0]))
    assert states(memory, END + 2 * MINUTE) == then


def test_without_its_memory_of_the_log_it_believes_the_record_until_the_device_speaks() -> None:
    memory = heard(every(MINUTE, 100))
    memory.recall(
        np.array([1, 2]), np.array([State.GONE, State.GONE]), np.full(2, START_MS + END + SECOND), np.zeros(2, int)
    )
    assert states(memory, END + MINUTE) == {}
    memory.hear(a_batch((1, END + MINUTE), (2, END + MINUTE)))
    memory.settle()
    assert states(memory, END + MINUTE) == {1: State.ONLINE, 2: State.ONLINE}


def test_a_gateway_that_passes_messages_on_is_not_silent() -> None:
    memory = a_regular()
    states(memory, END)
    proven = np.zeros(len(memory.last_ms), np.int64)
    proven[1] = START_MS + END + 29 * MINUTE
    assert len(judge(memory, START_MS + END + 30 * MINUTE, 0, proven)) == 0
    assert len(judge(memory, START_MS + END + 30 * MINUTE, 0)) == 1


@pytest.mark.parametrize(
    "payload",
    [b"", b"no", b"true", b"[]", b"{}", b'{"online": 1}', b'{"online": "false"}', b'{"online": true, "at": 1}',
     b'{"online": true, "sleep_s": 5}', b'{"online": false, "sleep_s": 0}', b'{"online": false, "sleep_s": true}',
     b'{"online": false, "sleep_s": null}', b'{"online": false, "sleep_s": 1e9}',
     b'{"online": false, "sleep_s": 99999999}',
     b'{"online": false}' + b" " * MOST_BYTES],
)  # fmt: skip
def test_what_is_no_word_of_presence_is_refused_with_a_reason(payload: bytes) -> None:
    flaw = read(payload, 0, 1, START_MS)
    assert isinstance(flaw, Flaw)
    assert (flaw.reason, flaw.payload) == (Reason.NOT_PRESENCE, payload)
    assert flaw.detail


def test_a_word_of_presence_is_read() -> None:
    assert read(b'{"online": true}', 3, 7, 9) == Word(3, 7, 9, online=True)
    assert read(b'{"online":false}', 3, 7, 9) == Word(3, 7, 9, online=False)
    assert read(b'{"online": false, "sleep_s": 60}', 3, 7, 9) == Word(3, 7, 9, online=False, sleep_ms=60_000)


def test_of_a_bridge_only_what_a_bridge_says_is_believed() -> None:
    def said(payload: bytes) -> object:
        return read_bridge(Message(1, START_MS, "log.7.demo.b1.ctl.bridge", payload), "demo", "b1")

    word = said(say_bridge("plant:1883", ["d1", "d2"], connected=True))
    assert word == BridgeWord("demo", "b1", 7, START_MS, "plant:1883", True, ("d1", "d2"))
    for payload in (
        b"",
        b"[]",
        b'{"broker": "x", "connected": true}',
        rb'{"broker": "\u0000", "connected": true, "devices": []}',
        b'{"broker": "x", "connected": true, "devices": ["a.b"]}',
        b'{"broker": "x", "connected": 1, "devices": []}',
    ):
        assert isinstance(said(payload), Flaw)
