"""A fleet whose broker is not there, not itself, or not willing says so in a sentence, and when it came through."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from api.engines.ports import free_port
from simulators import fleet, voyage
from simulators import sender as sender_module
from simulators.broker import Broker, anonymous
from simulators.line import NoMqttError, RefusedError
from simulators.sender import Sender
from simulators.trouble import Known, Trouble, Why, met, news
from tests.simulators.test_sender import Spy, closed, ended, until

URL = "mqtt://broker:1883"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.mark.parametrize(
    ("error", "why", "said"),
    [
        (ConnectionRefusedError(111, "refused"), Why.REFUSED, "is the broker running"),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed, ..."), Why.REFUSED, "--broker"),
        (socket.gaierror(-2, "Name or service not known"), Why.NO_HOST, "no host of that name"),
        (OSError(113, "No route to host"), Why.NO_WAY, "No route to host"),
        (TimeoutError(), Why.SILENT, "does not answer"),
        (ConnectionResetError(), Why.ENDS, "mqtts://"),
        (NoMqttError(), Why.NO_MQTT, "not in MQTT"),
        (ssl.SSLCertVerificationError("certificate verify failed"), Why.TLS, "certificate verify failed"),
        (RefusedError(4), Why.SIGN_IN, "refuses the password; give it credentials"),
        (RefusedError(5), Why.SIGN_IN, "refuses this device"),
        (RefusedError(2), Why.UNWILLING, "refuses the client id"),
        (RefusedError(200), Why.UNWILLING, "refuses with 200"),
    ],
)
def test_whatever_a_device_meets_is_a_sentence_with_what_to_look_at(error: Exception, why: Why, said: str) -> None:
    trouble = met("fridge-1", error)
    assert trouble.why is why
    assert said in trouble.sentence
    assert "{" not in trouble.sentence


def of(why: Why, count: int = 1) -> list[Trouble]:
    return [Trouble(why=why, device=f"fridge-{i}") for i in range(count)]


def test_a_trouble_is_said_once_and_its_end_too() -> None:
    known, said = news(Known(), URL, 0, 3, of(Why.REFUSED, 3))
    assert said is not None
    assert said.startswith(f"no connection to {URL}: nobody listens there")
    assert "0 of 3 devices" in said
    assert "fridge-0" in said
    assert news(known, URL, 0, 3, of(Why.REFUSED, 2)) == (known, None)
    known, said = news(known, URL, 1, 3, of(Why.REFUSED, 2))
    assert said == f"{URL} answers: 1 of 3 devices are connected, the others try on."
    assert news(known, URL, 2, 3, of(Why.REFUSED)) == (known, None)
    known, said = news(known, URL, 3, 3, [])
    assert said == f"{URL} answers: 3 of 3 devices are connected."
    assert news(known, URL, 3, 3, []) == (Known(), None)


def test_nothing_is_said_of_a_fleet_that_connects() -> None:
    assert news(Known(), URL, 0, 3, []) == (Known(), None)
    assert news(Known(), URL, 2, 3, []) == (Known(), None)


def test_another_trouble_is_said_and_of_several_the_most_frequent() -> None:
    known, _ = news(Known(), URL, 0, 4, of(Why.LOST, 4))
    _, said = news(known, URL, 0, 4, [*of(Why.LOST), *of(Why.REFUSED, 3)])
    assert said is not None
    assert "nobody listens" in said
    assert news(known, URL, 0, 4, [*of(Why.REFUSED, 2), *of(Why.LOST, 2)]) == (known, None), "as many is no news"


async def deaf(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def hypertext(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await reader.read()


@asynccontextmanager
async def asking(serve: Serve) -> AsyncIterator[Sender]:
    """A device that wants to be let in there."""
    writers = []

    async def noted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await serve(reader, writer)

    server = await asyncio.start_server(noted, "127.0.0.1", 0)
    sender = Sender(anonymous("demo", "fridge-1"), Broker(host="127.0.0.1", port=port_of(server)), seed=1)
    keeper = asyncio.create_task(sender.keep_connected(0))
    try:
        await until(lambda: writers, "it does not come")
        yield sender
    finally:
        await ended(sender, keeper)
        await closed(server, writers)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


def test_a_listener_that_never_answers_is_silent_after_seconds() -> None:
    async def work() -> None:
        async with asking(deaf) as sender:
            asking_s = sender._asking_s
            assert asking_s is not None
            sender.look(asking_s + 1)
            assert sender.trouble is None, "it may be slow"
            sender.look(asking_s + 6)
            assert sender.trouble == Trouble(why=Why.SILENT, device="fridge-1")

    asyncio.run(work())


def test_a_listener_that_speaks_something_else_is_said_to() -> None:
    async def work() -> None:
        async with asking(hypertext) as sender:
            await until(lambda: sender.trouble is not None, "nothing is said")
            assert sender.trouble == Trouble(why=Why.NO_MQTT, device="fridge-1", said="NoMqttError")

    asyncio.run(work())


def test_a_broker_that_goes_deaf_is_said_to_until_it_acknowledges() -> None:
    async def work() -> None:
        spy = Spy()
        spy.acknowledges = False
        async with asking(spy.serve) as sender:
            await until(lambda: sender.connected, "no connection")
            sender.look(asyncio.get_running_loop().time() + 11)
            assert sender.trouble == Trouble(why=Why.UNANSWERED, device="fridge-1")
            sender.acknowledged(1)
            assert sender.trouble is None

    asyncio.run(work())


def test_a_connection_that_is_lost_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        spy = Spy()
        async with asking(spy.serve) as sender:
            await until(lambda: sender.connected, "no connection")
            monkeypatch.setattr(sender_module, "FIRST_RETRY_S", 600.0)  # until then it stays lost
            spy.writers[0].transport.abort()
            await until(lambda: not sender.connected, "it does not notice")
            assert sender.trouble == Trouble(why=Why.LOST, device="fridge-1")
            sender.go_offline()
            assert sender.trouble is None, "whoever is away on purpose has no trouble"

    asyncio.run(work())


def test_a_fleet_says_that_nobody_listens_and_that_it_came_through_and_that_it_lost_the_broker(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(voyage, "_LOOK_S", 0.02)
    port, said = free_port(), []

    async def until_said(sentence: str) -> None:
        def heard() -> bool:
            said.append(capsys.readouterr().err)
            return sentence in "".join(said)

        await until(heard, f"not said: {sentence}")
        said.clear()

    async def work() -> None:
        lives = asyncio.create_task(fleet.run(fleet._order(["--broker", f"mqtt://127.0.0.1:{port}", "--devices", "2"])))
        await until_said(f"fleet: no connection to mqtt://127.0.0.1:{port}: nobody listens there")
        spy = Spy()
        server = await asyncio.start_server(spy.serve, "127.0.0.1", port)
        await until_said("2 of 2 devices are connected.")
        server.close()
        for writer in spy.writers:
            writer.transport.abort()
        await until_said(f"fleet: no connection to mqtt://127.0.0.1:{port}: nobody listens there")
        lives.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await lives

    asyncio.run(work())
