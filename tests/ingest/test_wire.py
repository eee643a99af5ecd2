"""An answer belongs to the question that was asked, however many ask and however often somebody answers."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
    with closing(Wire(nats_server.url, 60)) as wire, ThreadPoolExecutor(1) as mouth:
        wire.send(b"SUB test.ask.* 9\r\n")
        wire.settle()
        all_answered = mouth.submit(_answers_twice, wire, QUESTIONS)
        yield
        all_answered.result()


def test_a_second_answer_is_not_taken_for_the_next_questions(nats_server: NatsServer, stutterer: None) -> None:
    with closing(Wire(nats_server.url, 60)) as wire:
        asked = [f"test.ask.{number}" for number in range(QUESTIONS)]
        assert [wire.request(subject) for subject in asked] == [{"asked": subject} for subject in asked]


def test_who_asks_beside_another_hears_his_own_answer(nats_server: NatsServer, stutterer: None) -> None:
    heard: dict[str, Any] = {}

    def ask(first: int) -> None:
        for number in range(first, QUESTIONS, 4):
            heard[f"test.ask.{number}"] = request(nats_server.url, f"test.ask.{number}", timeout_s=60)

    with ThreadPoolExecutor(4) as askers:
        list(askers.map(ask, range(4)))
    assert heard == {f"test.ask.{number}": {"asked": f"test.ask.{number}"} for number in range(QUESTIONS)}
