"""One device and its broker: who it is, its will, its pauses, and what it says again."""

import asyncio
import contextlib
import csv
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from api.engines.nats import Nats
from api.engines.ports import free_port
from simulators import packets
from simulators.broker import Broker, BrokerError, anonymous, parse, read_credentials
from simulators.said import MAX_READINGS, Said
from simulators.sender import Sender
from simulators.trouble import Trouble, Why
from tests import certificates

SAID: list[Said] = [(1_763_800_000_000 + i * 60_000, {"cabinet_temp_c": 4.0}) for i in range(1000)]


class Spy:
    """A broker that notes what comes, and acknowledges as long as it is told to."""

    def __init__(self) -> None:
        self.came: list[tuple[int, bytes]] = []
        self.acknowledges, self.port = True, 0
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        left = b""
        while data := await reader.read(65_536):
            found, left = packets.split(left + data)
            for first, body in found:
                self.came.append((first, body))
                if first & 0xF0 == 0x10:
                    writer.write(b"\x20\x02\x00\x00")
                elif first & 0xF0 == packets.PUBLISH and self.acknowledges:
                    writer.write(packets.puback(packets.published(first, body)[2]))
        writer.close()

    def payloads(self) -> list[list[int]]:
        """Of each message with readings, their times."""
        said = [orjson.loads(packets.published(first, body)[1]) for first, body in self.came if first == 0x32]
        return [[each["ts"] for each in (one if isinstance(one, list) else [one])] for one in said]


@asynccontextmanager
async def talking(spy: Spy) -> AsyncIterator[Sender]:
    server = await asyncio.start_server(spy.serve, "127.0.0.1", 0)
    sender = Sender(anonymous("demo", "fridge-1"), Broker(**_where(server)), seed=1)
    keeper = asyncio.create_task(sender.keep_connected(0))
    try:
        yield sender
    finally:
        await ended(sender, keeper)
        await until(lambda: spy.came[-1][0] == 0xE0, "it does not say goodbye")
        await closed(server, spy.writers)


async def ended(sender: Sender, keeper: asyncio.Task[None]) -> None:
    keeper.cancel()
    await sender.close()
    with contextlib.suppress(asyncio.CancelledError):
        await keeper


async def closed(server: asyncio.Server, writers: list[asyncio.StreamWriter]) -> None:
    server.close()
    for writer in writers:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    await server.wait_closed()


def _where(server: asyncio.Server) -> dict[str, object]:
    host, port = server.sockets[0].getsockname()
    return {"host": host, "port": port}


async def until(holds: Callable[[], object], what: str) -> None:
    for _ in range(3_000):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail(what)


def run(work: Awaitable[None]) -> None:
    asyncio.run(work)  # type: ignore[arg-type]


def test_it_says_who_it_is_leaves_a_will_and_says_that_it_is_there() -> None:
    async def work() -> None:
        spy = Spy()
        async with talking(spy):
            await until(lambda: len(spy.came) == 2, "no birth")
        assert (
            packets.connect("demo:fridge-1", 120, will=("fm/demo/fridge-1/up/presence", b'{"online": false}'))[2:]
            == (spy.came[0][1])
        )
        first, body = spy.came[1]
        assert first == 0x33, "retained, QoS 1"
        assert packets.published(first, body)[:2] == ("fm/demo/fridge-1/up/presence", b'{"online": true}')

    run(work())


@pytest.mark.parametrize("order", ["oldest first", "newest first"])
def test_a_backlog_comes_as_arrays_in_the_units_own_order(order: str) -> None:
    newest_first = order == "newest first"

    async def work() -> None:
        spy = Spy()
        async with talking(spy) as sender:
            sender.go_offline()
            sender.waiting.extend(SAID)
            sender.come_back(newest_first=newest_first)
            await until(lambda: sender.count.readings == 1000, "not acknowledged")
        said = spy.payloads()
        assert sorted(map(len, said)) == [200, MAX_READINGS, MAX_READINGS]
        assert all(times == sorted(times) for times in said)
        firsts = [times[0] for times in said]
        assert firsts == sorted(firsts, reverse=newest_first)
        assert sorted(ts_ms for times in said for ts_ms in times) == [ts_ms for ts_ms, _ in SAID]

    run(work())


def test_a_long_backlog_never_has_more_than_eight_messages_under_way() -> None:
    async def work() -> None:
        spy = Spy()
        spy.acknowledges = False
        wide = {f"metric_{i:02}_c": 4.0 + i / 16 for i in range(20)}  # 400 readings of them are several messages
        async with talking(spy) as sender:
            await until(lambda: sender.connected, "no connection")
            sender.waiting.extend((ts_ms, wide) for _ in range(4) for ts_ms, _ in SAID)
            sender.push()
            assert sender.unfinished == 4 * len(SAID)
        assert len(spy.payloads()) + len(["its birth"]) == 8
        assert sum(map(len, spy.payloads())) + sender.unsent == 4 * len(SAID)

    run(work())


def test_what_a_lost_connection_left_open_is_said_again_and_counted() -> None:
    async def work() -> None:
        spy = Spy()
        spy.acknowledges = False
        async with talking(spy) as sender:
            await until(lambda: sender.connected, "no connection")
            sender.waiting.extend(SAID[:2])
            sender.push()
            await until(lambda: len(spy.payloads()) == 2, "nothing came")
            assert (sender.unanswered, sender.count.readings) == (2, 0)
            spy.acknowledges = True
            spy.writers[0].transport.abort()
            await until(lambda: sender.count.readings == 2, "not said again")
            assert (sender.count.resent, sender.count.messages, sender.unanswered) == (2, 2, 0)
        assert spy.payloads() == [[SAID[0][0]], [SAID[1][0]]] * 2

    run(work())


def test_at_the_end_what_was_said_over_a_second_connection_is_waited_for_too() -> None:
    async def work() -> None:
        spy = Spy()
        async with talking(spy) as sender:
            await until(lambda: sender.connected, "no connection")
            spy.writers[0].transport.abort()
            await until(lambda: len(spy.came) == 4, "it does not come back")
            spy.acknowledges = False
            sender.waiting.append(SAID[0])
            sender.push()
            await until(spy.payloads, "nothing came")
            sender.finish()
            assert not sender.answered.is_set()
            spy.writers[1].write(packets.puback(packets.published(*spy.came[-1])[2]))
            await until(sender.answered.is_set, "it is answered")
            assert sender.unanswered == 0

    run(work())


def test_a_broker_that_stops_answering_is_left() -> None:
    async def work() -> None:
        spy = Spy()
        spy.acknowledges = False
        async with talking(spy) as sender:
            await until(lambda: sender.connected, "no connection")
            sender.look(asyncio.get_running_loop().time() + 31)
            await until(lambda: sender.count.connects == 2, "it still waits")

    run(work())


def test_a_device_that_is_refused_tries_on_with_growing_pauses() -> None:
    writers = []

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(b"\x20\x02\x00\x05")

    async def work() -> None:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        sender = Sender(anonymous("demo", "fridge-1"), Broker(**_where(server)), seed=1)
        keeper = asyncio.create_task(sender.keep_connected(0))
        await until(lambda: sender.trouble, "nothing is said")
        await ended(sender, keeper)
        await closed(server, writers)
        assert sender.trouble == Trouble(why=Why.SIGN_IN, device="fridge-1", said="refuses this device")
        assert not sender.connected

    run(work())


@pytest.mark.engines
def test_over_tls_it_trusts_the_authority_that_it_was_given_and_no_other(
    engines_folder: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = Nats(
        engines_folder / tmp_path.name,
        port=free_port(),
        mqtt_port=free_port(),
        certificate=certificates.of_door(tmp_path),
    )
    log.start()

    async def work(ca: Path) -> Trouble | None:
        sender = Sender(anonymous("demo", "d1"), parse(f"mqtts://127.0.0.1:{log.mqtt_port}", ca), seed=1)
        keeper = asyncio.create_task(sender.keep_connected(0))
        sender.waiting.append(SAID[0])
        await until(lambda: sender.count.readings or sender.trouble, "neither taken nor refused")
        await ended(sender, keeper)
        return sender.trouble

    try:
        assert asyncio.run(work(certificates.ca(tmp_path))) is None
        other = tmp_path_factory.mktemp("other")
        certificates.make(other, "door", "127.0.0.1")
        refused = asyncio.run(work(certificates.ca(other)))
        assert refused is not None
        assert refused.why is Why.TLS
        assert "certificate verify failed" in refused.sentence
    finally:
        log.stop()


def test_credentials_come_from_a_file_by_tenant_and_device(tmp_path: Path) -> None:
    path = tmp_path / "credentials.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["tenant", "device", "client_id", "username", "password"])
        rows.writerow(["demo", "fridge-1", "demo:fridge-1", "demo.fridge-1.1", "SECRET"])
    found = read_credentials(path)
    assert found["demo", "fridge-1"].username == "demo.fridge-1.1"
    assert "SECRET" not in repr(found), "a password is not printed"
    path.write_text("tenant,device\n")
    with pytest.raises(BrokerError, match="client_id"):
        read_credentials(path)


@pytest.mark.parametrize("url", ["127.0.0.1:1883", "http://127.0.0.1:80", "mqtt://", "mqtt://a:b", "mqtt://u:p@host"])
def test_an_address_that_is_none_is_a_sentence(url: str) -> None:
    with pytest.raises(BrokerError, match="mqtt://HOST:PORT"):
        parse(url, None)


def test_a_packet_in_pieces_is_one_packet() -> None:
    whole = packets.publish(b"t", b"x" * 300, 7) + packets.puback(9)
    left, found = b"", []
    for byte in whole:
        more, left = packets.split(left + bytes([byte]))
        found += more
    assert [first for first, _ in found] == [0x32, 0x40]
    assert packets.published(*found[0]) == ("t", b"x" * 300, 7)
    assert left == b""
    assert json.dumps(found[1][1].hex()) == '"0009"'
