"""A door that begins while devices stand there, as after a restart: whoever asked in that moment is answered."""

import base64
import json
import select
import threading
from collections.abc import Sequence
from contextlib import closing
from typing import Any, cast

import pytest

from api.door import answering
from api.door.asking import CALLOUT, Ask
from api.door.doorkeeper import Doorkeeper
from api.settings import Settings
from api.watch.port import Turns
from ingest.adapter_wire import Wire
from tests.conftest import NatsServer

pytestmark = pytest.mark.engines

_ASKED = {
    "nats": {
        "server_id": {"id": "N"},
        "user_nkey": "U",
        "client_info": {"type": "mqtt", "mqtt_id": "fridge-1", "host": "127.0.0.1"},
        "connect_opts": {"user": "?", "pass": "?"},
    }
}
_QUESTION = b"h." + base64.urlsafe_b64encode(json.dumps(_ASKED).encode()) + b".s"


class Keeper:
    """Lets everybody in; `met` says whom."""

    def __init__(self) -> None:
        self.met: list[str] = []

    def answer(self, asks: Sequence[Ask]) -> list[bytes]:
        self.met += [ask.client_id for ask in asks]
        return [b"yes"] * len(asks)


def test_who_asks_while_a_door_begins_is_answered(nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, stop, keeper = Settings(dsn="", nats_url=nats_server.secret_url), threading.Event(), Keeper()
    with closing(Wire(nats_server.url)) as device:
        device.send(b"SUB test.door.reply 7\r\n")
        device.settle()

        class Begins(Wire):
            """The question is there before the door does anything else after it said that it listens."""

            def send(self, data: bytes) -> None:
                super().send(data)
                if data.startswith(b"SUB " + CALLOUT.encode()):
                    self._is_asked()

            def _is_asked(self) -> None:
                heard = select.poll()
                heard.register(self.socket, select.POLLIN)
                for _ in range(600):  # the server may take what the device says before what the door says
                    device.send(b"PUB %b test.door.reply %d\r\n%b\r\n" % (CALLOUT.encode(), len(_QUESTION), _QUESTION))
                    if heard.poll(100):
                        break

        monkeypatch.setattr(answering, "Wire", Begins)
        said: Any = (settings, stop, cast("Doorkeeper", keeper), Turns(answering.LOOP))
        door = threading.Thread(target=answering.answer, args=said)
        door.start()
        device.socket.settimeout(60)
        try:
            heard = b""
            while b"yes" not in heard:
                heard += device.receive()
        finally:
            stop.set()
            door.join()
    assert set(keeper.met) == {"fridge-1"}
