"""An answer belongs to the question that was asked, however many ask and however often somebody answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from api.engines.nats_request import request
from ingest.adapter_wire import Wire
from tests.conftest import NatsServer

pytestmark = pytest.mark.engines
QUESTIONS = 40


def _answers_twice(wire: Wire, questions: int) -> None:
    while questions:
        wire.buffer += wire.receive()
        asked, wire.buffer = wire.deliveries(wire.buffer)
        for each in asked:
            said = json.dumps({"asked": each.subject.decode()}).encode()
            answer = b"PUB %b %d\r\n%b\r\n" % (each.reply or b"", len(said), said)
            wire.send(answer + answer)
        questions -= len(asked)


@pytest.fixture
def stutterer(nats_server: NatsServer) -> Iterator[None]:
    with closing(Wire(nats_server.url)) as wire:
        wire.send(b"SUB test.ask.* 9\r\n")
        wire.settle()
        mouth = threading.Thread(target=_answers_twice, args=(wire, QUESTIONS))
        mouth.start()
        yield
        mouth.join(20)


def test_a_second_answer_is_not_taken_for_the_next_questions(nats_server: NatsServer, stutterer: None) -> None:
    with closing(Wire(nats_server.url)) as wire:
        asked = [f"test.ask.{number}" for number in range(QUESTIONS)]
        assert [wire.request(subject) for subject in asked] == [{"asked": subject} for subject in asked]


def test_who_asks_beside_another_hears_his_own_answer(nats_server: NatsServer, stutterer: None) -> None:
    heard: dict[str, Any] = {}

    def ask(first: int) -> None:
        for number in range(first, QUESTIONS, 4):
            heard[f"test.ask.{number}"] = request(nats_server.url, f"test.ask.{number}")

    askers = [threading.Thread(target=ask, args=(first,)) for first in range(4)]
    for each in askers:
        each.start()
    for each in askers:
        each.join(20)
    assert heard == {f"test.ask.{number}": {"asked": f"test.ask.{number}"} for number in range(QUESTIONS)}
