"""What the log says to what a bridge publishes, read wherever the bytes are cut: only a yes is a yes."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from ingest.adapter_publish import LogPublisher
from ingest.errors import LogError
from tests.ingest.bridging import WithholdingLog
from tests.processes import wait_for


@pytest.fixture
def log() -> Iterator[WithholdingLog]:
    with WithholdingLog() as running:
        yield running


def answered(log: WithholdingLog, publisher: LogPublisher, *parts: bytes) -> list[int]:
    """What is read when the log says these, one after another."""
    found: list[int] = []
    for part in parts:
        log.say(part)
        found += publisher.stored()
    return found


def yes(reply: bytes, seq: int, more: bytes = b"") -> bytes:
    text = b'{"stream":"LOG",%b"seq":%d}' % (more, seq)
    return b"MSG %b 8 %d\r\n%b\r\n" % (reply, len(text), text)


def replies(log: WithholdingLog, publisher: LogPublisher, *tokens: int) -> list[bytes]:
    """To messages that are published now."""
    before = len(log.taken)
    publisher.send((b"fm.demo.d1.up.telemetry", token, b"x") for token in tokens)
    wait_for(lambda: len(log.taken) == before + len(tokens))
    return log.taken[before:]


def test_answers_cut_at_every_byte_are_the_same_answers_and_a_ping_between_them_is_answered(
    log: WithholdingLog,
) -> None:
    with closing(LogPublisher(log.url)) as publisher:
        first, second, third = replies(log, publisher, 7, 65535, 300)
        said = yes(first, 1) + b"PING\r\n" + yes(second, 123456, b'"domain":"edge",') + b"+OK\r\n" + yes(third, 3)
        for cut in range(1, len(said)):
            assert answered(log, publisher, said[:cut], said[cut:]) == [7, 65535, 300]
        assert answered(log, publisher, yes(third, 9) * 3) == [300, 300, 300]


@pytest.mark.parametrize(
    "text",
    [
        b'{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"stream":"LOG","seq":0}',
        b'{"stream":"LOG","error":{"code":503,"description":"no"},"seq":7}',
    ],
)
def test_a_no_among_many_yeses_is_heard(log: WithholdingLog, text: bytes) -> None:
    with closing(LogPublisher(log.url)) as publisher:
        first, second, third = replies(log, publisher, 1, 2, 3)
        log.say(yes(first, 1) + b"MSG %b 8 %d\r\n%b\r\n" % (second, len(text), text) + yes(third, 2))
        with pytest.raises(LogError, match="does not take a message"):
            publisher.stored()


def test_an_answer_to_somebody_else_is_none_of_ours(log: WithholdingLog) -> None:
    with closing(LogPublisher(log.url)) as publisher:
        (reply,) = replies(log, publisher, 5)
        assert answered(log, publisher, yes(b"_INBOX.other.9", 1).replace(b" 8 ", b" 9 ") + yes(reply, 2)) == [5]
