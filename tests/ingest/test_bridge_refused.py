"""Brokers that say no, say nothing, or say what they may not; and a door with TLS."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.bridge import run as bridge
from api.bridge import setup as bridge_setup
from api.bridge.setup import Address, Files
from api.settings import Settings
from ingest.bridge import adapter_mqtt
from ingest.bridge.adapter_mqtt import Account, Broker, Subscription
from ingest.bridge.versions import Protocol
from ingest.errors import BrokerError, BrokerGoneError, BrokerRefusesError, MapError, OtherLevelError, PacketError
from tests.conftest import NatsServer, need
from tests.ingest.bridging import StandIn, a_client, a_mosquitto, an_order, have_session, say, the_log
from tests.processes import bridging, wait_for

WELCOME, GRANTED = b"\x20\x02\x00\x00", b"\x90\x03\x00\x01\x01"


def saying(*parts: bytes) -> Callable[[socket.socket], None]:
    """A broker that answers each thing that it hears with the next of these, and then hangs up."""

    def serve(connection: socket.socket) -> None:
        for part in parts:
            connection.recv(4096)
            connection.sendall(part)

    return serve


def a_broker(port: int, protocol: Protocol = Protocol.V3) -> Broker:
    who = Account(client_id="b")
    return Broker(host="127.0.0.1", port=port, filters=("plant/#",), account=who, protocol=protocol)


def subscribed(port: int, protocol: Protocol = Protocol.V3) -> None:
    """Until the broker hangs up."""
    subscription = Subscription(a_broker(port, protocol))
    try:
        while True:
            subscription.take(100)
            subscription.receive()
            subscription.look_alive(listening=True)
    finally:
        subscription.close()


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (1, OtherLevelError, "does not speak MQTT 3.1.1"),
        (2, BrokerRefusesError, "client id"),
        (3, BrokerError, "not available"),
        (4, BrokerRefusesError, "wrong username or password"),
        (5, BrokerRefusesError, "may not connect"),
        (77, BrokerRefusesError, "return code 77"),
    ],
)
def test_a_broker_that_refuses_us_is_quoted(code: int, error: type[BrokerError], words: str) -> None:
    with StandIn(saying(bytes([0x20, 2, 0, code]))) as broker, pytest.raises(BrokerError, match=words) as raised:
        subscribed(broker.port)
    assert type(raised.value) is error


@pytest.mark.parametrize(("code", "words"), [(0, "QoS 0 only"), (0x80, "does not let us subscribe to 'plant/#'")])
def test_a_filter_that_is_not_granted_with_qos_1_is_refused(code: int, words: str) -> None:
    answer = WELCOME + b"\x90\x03\x00\x01" + bytes([code])
    with StandIn(saying(answer)) as broker, pytest.raises(BrokerRefusesError, match=words):
        subscribed(broker.port)


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ([b"HTTP/1.1 400 Bad Request\r\n"], PacketError, "may not send 0x48"),
        ([b"\xd0\x00"], PacketError, "with CONNACK"),
        ([b""], BrokerGoneError, "closed the connection|gone"),
        ([WELCOME + GRANTED + b"\x34\x05\x00\x01a\x00\x01"], PacketError, "QoS 2"),
        ([WELCOME + GRANTED + b"\x32\x05\x00"], BrokerGoneError, "closed the connection|gone"),
    ],
)
def test_what_is_no_mqtt_and_a_connection_that_ends_are_the_brokers_error(
    said: list[bytes], error: type[BrokerError], words: str
) -> None:
    with StandIn(saying(*said)) as broker, pytest.raises(BrokerError, match=words) as raised:
        subscribed(broker.port)
    assert type(raised.value) is error


def test_a_broker_that_says_nothing_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Subscription._wait, "__defaults__", (0.1,))
    silent = StandIn(lambda connection: connection.makefile("rb").read() and None)
    with silent as broker, pytest.raises(BrokerError, match="has not answered"):
        subscribed(broker.port)


def test_a_broker_that_does_not_answer_pings_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A half-open connection: it looks well and brings nothing."""
    monkeypatch.setattr(adapter_mqtt, "KEEP_ALIVE_S", 1)
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(WELCOME + GRANTED)
        while data := connection.recv(4096):
            heard.append(data)

    with StandIn(serve) as stand_in:
        subscription = Subscription(a_broker(stand_in.port))
        subscription.receive()
        subscription.take(10)
        with pytest.raises(BrokerError, match="silent for 1 s"):
            wait_for(lambda: subscription.look_alive(listening=True))
        subscription.close()
        wait_for(lambda: b"\xc0\x00" in b"".join(heard))


def test_what_waits_grows_to_a_bound_and_is_never_in_step() -> None:
    assert [round(bridge.wait_s(failures, 1.0), 1) for failures in range(4)] == [0.2, 0.4, 0.8, 1.6]
    assert bridge.wait_s(1000, 1.0) == 30.0
    assert bridge.wait_s(1000, 0.0) == 15.0


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mqtt://user:secret@broker", "command line"),
        ("broker:1883", "mqtt://HOST:PORT"),
        ("http://broker", "mqtt://HOST:PORT"),
        ("mqtt://broker/topic", "mqtt://HOST:PORT"),
        ("mqtt://broker:port", "mqtt://HOST:PORT"),
        ("mqtt://", "mqtt://HOST:PORT"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(BrokerError, match=words):
        Address.read(url)


def test_an_address_has_its_schemes_port() -> None:
    assert Address.read("mqtt://[::1]") == Address(host="::1", port=1883, tls=False)
    assert Address.read("mqtts://cloud.example") == Address(host="cloud.example", port=8883, tls=True)
    assert Address.read("mqtts://cloud.example:443/").port == 443


def test_who_we_are_comes_from_files_or_the_environment(tmp_path: Path) -> None:
    (tmp_path / "name").write_text("plant\n")
    (tmp_path / "password").write_text("a b:c\r\n")
    at, settings = Address.read("mqtt://h"), Settings(dsn="", bridge_username="u", bridge_password=SecretStr("p"))
    told = bridge_setup.broker(settings, at, ["a"], "id", Files())
    read = bridge_setup.broker(
        settings, at, ["a"], "id", Files(username=tmp_path / "name", password=tmp_path / "password")
    )
    assert (told.account.username, told.account.password) == ("u", "p")
    assert (read.account.username, read.account.password) == ("plant", "a b:c")
    assert "a b:c" not in repr(read)


def test_what_cannot_be_used_is_said_before_anything_begins(tmp_path: Path) -> None:
    plain, tls, settings = Address.read("mqtt://h"), Address.read("mqtts://h"), Settings(dsn="")
    nothing = tmp_path / "nothing"
    (tmp_path / "rubbish").write_text("rubbish")
    for address, files, words in (
        (plain, Files(password=nothing), "cannot be read"),
        (plain, Files(password=tmp_path / "rubbish"), "needs a username"),
        (plain, Files(ca=nothing), "for TLS"),
        (tls, Files(ca=nothing), "cannot be used"),
        (tls, Files(cert=nothing), "go together"),
        (tls, Files(cert=tmp_path / "rubbish", key=tmp_path / "rubbish"), "cannot be used"),
    ):
        with pytest.raises(BrokerError, match=words):
            bridge_setup.broker(settings, address, ["a"], "id", files)
    with pytest.raises(MapError, match="no topic filter"):
        bridge_setup.mapping(["a/#/b"], [], "demo")
    with pytest.raises(MapError, match="a tenant is"):
        bridge_setup.mapping(["a"], [], "de mo")


def _certificates(folder: Path) -> None:
    """An authority, a broker's certificate for 127.0.0.1, a client's for `plant`, and a stranger's own."""
    openssl = shutil.which("openssl")
    need(openssl, "openssl is not there")
    extension = folder / "names"
    extension.write_text("subjectAltName=IP:127.0.0.1")
    new = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    for line in (
        f"{new} -x509 -subj /CN=ca -keyout ca.key -out ca.pem",
        f"{new} -x509 -subj /CN=ca -keyout other.key -out other.pem",
        f"{new} -subj /CN=broker -keyout broker.key -out broker.csr",
        f"x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile {extension} -out broker.pem",
        f"{new} -subj /CN=plant -keyout plant.key -out plant.csr",
        "x509 -req -in plant.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out plant.pem",
    ):
        subprocess.run([str(openssl), *line.split()], cwd=folder, check=True, capture_output=True, timeout=30)


@pytest.mark.engines
def test_over_tls_with_a_certificate_of_ours_it_is_the_same_road(tmp_path: Path, nats_server: NatsServer) -> None:
    _certificates(tmp_path)
    start = nats_server.clear()
    files = Files(ca=tmp_path / "ca.pem", cert=tmp_path / "plant.pem", key=tmp_path / "plant.key")
    lines = [f"cafile {tmp_path}/ca.pem", f"certfile {tmp_path}/broker.pem", f"keyfile {tmp_path}/broker.key"]
    with a_mosquitto(
        tmp_path, listener=(*lines, "require_certificate true", "use_identity_as_username true")
    ) as broker:
        url = broker.url.replace("mqtt:", "mqtts:")
        payloads = [b"%d" % i * 100 for i in range(2000)]
        tls = ssl.create_default_context(cafile=files.ca)
        tls.load_cert_chain(str(files.cert), files.key)
        have_session(broker, tls=tls)
        with a_client(broker.port, "plant", tls) as plant, bridging(nats_server.url, an_order(url, files=files)):
            say(plant, *payloads)
            found = the_log(nats_server, start, len(payloads))
        for bad in (Files(ca=tmp_path / "other.pem", cert=files.cert, key=files.key), Files(ca=files.ca)):
            at = Address.read(url)
            with pytest.raises(BrokerError, match=r"cannot be reached|gone|closed"):
                Subscription(bridge_setup.broker(Settings(dsn=""), at, ["a"], "x", bad))
    assert [message.payload for message in found] == payloads
