"""The doctor finds what is wrong, says it in a sentence, and says nothing wrong of a house that is well."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from api.doctor import around, log, record
from api.doctor.examine import examine
from api.doctor.setup import Setup, of_folder
from api.door.token import Issuer
from api.engines.nats import Nats
from api.engines.nats_access import ISSUER
from api.engines.nats_streams import spread
from api.engines.ports import free_port
from api.settings import Settings
from api.watch.checks import Check, State
from ingest.slots import SLOTS_OF_ONE
from tests.conftest import Database, NatsServer
from tests.processes import as_if_all_lived

pytestmark = pytest.mark.engines
_ROOT = Path(__file__).parents[2]


@pytest.fixture
def setup(
    database: Database, nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Setup]:
    """A server's parts, all alive: worker and relay leave their signs. The tests' own PostgreSQL runs without fsync."""
    said_of = record._settings
    monkeypatch.setattr(record, "_settings", lambda said, hurried: said_of({**said, "fsync": "on"}, hurried))
    last = nats_server.clear()
    settings = database.settings(nats_url=nats_server.secret_url, mqtt_port=nats_server.mqtt_port, data=tmp_path)
    with as_if_all_lived(database, last):
        yield Setup(settings=settings, embedded=None)


def by_name(found: list[Check]) -> dict[str, Check]:
    assert len({check.name for check in found}) == len(found)
    return {check.name: check for check in found}


def told(setup: Setup, **settings: Any) -> Setup:
    return replace(setup, settings=setup.settings.model_copy(update=settings))


def test_a_house_that_is_well_has_nothing_failed_and_every_warning_has_a_remedy(setup: Setup) -> None:
    found = by_name(examine(setup))
    assert [check.sentence for check in found.values() if check.state is State.FAILED] == []
    warned = {name for name, check in found.items() if check.state is State.WARNING}
    assert warned <= {"durable", "timescale", "log_sync", "mail", "disk", "log_limit"}
    assert all(found[name].remedy for name in warned)
    assert {
        "record",
        "schema",
        "roles",
        "rights",
        "worker",
        "relay",
        "cursor",
        "log",
        "log_door",
        "mqtt",
        "data",
    } <= set(found)


def _hurry(role: str) -> tuple[str, str]:
    return f"ALTER ROLE {role} SET synchronous_commit = off", f"ALTER ROLE {role} RESET synchronous_commit"


@pytest.mark.parametrize(
    ("breaks", "mends", "name", "words"),
    [
        ("ALTER ROLE foremend_api BYPASSRLS", "ALTER ROLE foremend_api NOBYPASSRLS", "roles", "foremend_api may more"),
        ("ALTER ROLE foremend_owner LOGIN", "ALTER ROLE foremend_owner NOLOGIN", "roles", "foremend_owner can log in"),
        ("GRANT foremend_owner TO foremend_api", "REVOKE foremend_owner FROM foremend_api", "roles", "is a member"),
        ("ALTER TABLE ticket NO FORCE ROW LEVEL SECURITY", "", "rights", "ticket is open to every tenant"),
        ("GRANT SELECT ON alert TO PUBLIC", "", "rights", "alert is open to PUBLIC"),
        ("GRANT SELECT ON reading_refrigerator TO foremend_api", "", "rights", "reading_refrigerator is readable"),
        ("GRANT SELECT ON reading_freezer TO foremend_relay", "", "rights", "reading_freezer is readable"),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "", "rights", "the schema public is where others"),
        ("GRANT CREATE ON SCHEMA public TO foremend_api", "", "rights", "the schema public is where others"),
        (*_hurry("foremend_api"), "durable", "synchronous_commit (for foremend_api)"),
        (*_hurry("foremend_relay"), "durable", "synchronous_commit (for foremend_relay)"),
        ("CREATE TABLE mine ()", "", "rights", "mine does not belong"),
        ("DELETE FROM schema_version WHERE version > 1", "", "schema", "foremend migrate"),
        ("UPDATE partition SET lease_until = now() - interval '1 h'", "", "worker", "ran out"),
        ("UPDATE pulse SET at = now() - interval '1 h'", "", "relay", "silent"),
        ("DROP TABLE pulse", "", "schema", "no version"),
    ],
)
def test_what_was_changed_by_hand_is_found(
    setup: Setup, database: Database, breaks: str, mends: str, name: str, words: str
) -> None:
    with database.connect() as conn:
        conn.execute(breaks)
        try:
            check = by_name(examine(setup))[name]
        finally:
            conn.execute(mends or "SELECT 1")
    assert check.state is State.FAILED
    assert words in f"{check.sentence} {check.remedy}"


@pytest.mark.parametrize("off", ["fsync", "full_page_writes"])
def test_a_database_that_does_not_wait_for_its_disk_is_found(off: str) -> None:
    well = {"fsync": "on", "full_page_writes": "on", "max_connections": "100"}
    assert [check.state for check in record._settings(well, [])] == [State.OK]
    (check,) = record._settings({**well, off: "off"}, [])
    assert (check.state, off in check.sentence) == (State.FAILED, True)
    few = list(record._settings({**well, "max_connections": "20"}, []))
    assert [check.state for check in few] == [State.OK, State.WARNING]


@pytest.mark.parametrize(
    ("store", "payload", "warned"),
    [
        ({"sync_interval": 10_000_000_000, "max_storage": 10**11}, 8 << 20, set()),
        ({"sync_always": True, "max_storage": 10**11}, 8 << 20, set()),
        ({"sync_interval": 120_000_000_000, "max_storage": 10**11}, 1 << 20, {"log_sync", "log_payload"}),
        ({"sync_always": True, "max_storage": 5 * 10**9}, 8 << 20, {"log_limit"}),
    ],
)
def test_the_servers_limits_are_looked_at(store: dict[str, Any], payload: int, warned: set[str]) -> None:
    now = datetime.now(UTC).isoformat()
    facts = {"jetstream": {"config": store, "stats": {"storage": 0}}, "max_payload": payload, "now": now}
    found = log._server(facts, Setup(settings=Settings(dsn=""), embedded=None))
    assert {check.name for check in found if check.state is not State.OK} == warned


def test_a_server_that_does_not_say_how_it_is_set_up_is_named() -> None:
    (check,) = log._server({}, Setup(settings=Settings(dsn=""), embedded=None))
    assert (check.name, check.state, "deploy/nats.conf" in check.remedy) == ("log_server", State.WARNING, True)


@pytest.mark.parametrize(
    ("partitions", "slots", "states"),
    [
        (4, 4, []),
        (1, SLOTS_OF_ONE, []),
        (4, 8, [("log_slots", State.FAILED, "FOREMEND_PARTITIONS=4")]),
        (1, 4, [("log_slots", State.WARNING, "FOREMEND_PARTITIONS=4")]),
    ],
)
def test_slots_that_nobody_reads_are_found(partitions: int, slots: int, states: list[tuple[str, State, str]]) -> None:
    standing: Any = SimpleNamespace(partitions=[None] * partitions)
    found = list(log._spread({"subject_transform": spread(slots)}, standing))
    assert [(each.name, each.state, each.remedy.split()[0]) for each in found] == states


def test_a_broker_that_believes_another_key_is_found() -> None:
    ours = Settings(dsn="", nats_issuer=SecretStr("x" * 32))
    for secret, state in (("x" * 32, State.OK), ("y" * 32, State.FAILED)):
        (check,) = log._key({"metadata": {ISSUER: Issuer(secret).public}}, ours)
        assert (check.name, check.state) == ("mqtt_key", state)
    assert list(log._key({}, Settings(dsn=""))) == []


@pytest.mark.parametrize(("free", "state"), [(3e9, State.OK), (1e9, State.WARNING), (1e8, State.FAILED)])
def test_a_disk_that_is_nearly_full_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float, state: State
) -> None:
    monkeypatch.setattr(around.shutil, "disk_usage", lambda _: SimpleNamespace(free=int(free)))
    setup = Setup(settings=Settings(dsn="", data=tmp_path), embedded=None)
    check = by_name(around.examine(setup))["disk"]
    assert (check.state, f"{free / 1e9:.1f} GB" in check.sentence) == (state, True)


def test_clocks_are_compared(setup: Setup) -> None:
    states = [record.clock("c", "It", ahead).state for ahead in (0.5, -5.0, 61.0)]
    assert states == [State.OK, State.WARNING, State.FAILED]


def test_what_does_not_answer_is_said_with_the_setting_that_names_it(setup: Setup, database: Database) -> None:
    nobody = f"nats://house:secret@127.0.0.1:{free_port()}"
    gone = told(
        setup,
        dsn="host=/nowhere",
        nats_url=SecretStr(nobody),
        mqtt_port=free_port(),
        smtp_url=SecretStr("smtp://127.0.0.1:1"),
    )
    found = by_name(examine(gone))
    assert {name for name, check in found.items() if check.state is State.FAILED} == {"record", "log", "mqtt", "mail"}
    assert "FOREMEND_DSN" in found["record"].remedy
    assert "FOREMEND_NATS_URL" in found["log"].remedy
    assert "secret" not in str(found)


def test_a_port_that_does_not_speak_mqtt_is_found(setup: Setup, nats_server: NatsServer) -> None:
    check = by_name(examine(told(setup, mqtt_port=nats_server.port)))["mqtt"]
    assert (check.state, "does not speak MQTT" in check.sentence) == (State.FAILED, True)


def test_a_folder_that_others_can_enter_is_found(engines_folder: Path) -> None:
    data = engines_folder / "open"
    for folder in (data, data / "postgres", data / "nats"):
        folder.mkdir(mode=0o700)
    setup = Setup(settings=Settings(dsn="", data=data), embedded=data)
    assert by_name(around.examine(setup))["data"].state is State.OK
    (data / "nats").chmod(0o755)
    check = by_name(around.examine(setup))["data"]
    assert (check.state, "nats has mode 0755" in check.sentence) == (State.FAILED, True)


def test_the_addresses_of_an_embedded_house_are_read_from_its_folder(engines_folder: Path) -> None:
    server = Nats(engines_folder / "embedded", port=free_port(), mqtt_port=free_port())
    server.start()
    try:
        settings = of_folder(engines_folder / "embedded").settings
        assert settings.nats_url.get_secret_value() == server.url
        assert settings.mqtt_port == server.mqtt_port
    finally:
        server.stop()


def _doctor(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.cli", "doctor", *arguments]
    known = {key: value for key, value in os.environ.items() if not key.startswith("FOREMEND_")}
    return subprocess.run(
        command, cwd=_ROOT, env={**known, **env}, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_command_is_a_table_of_words_and_an_exit_code(setup: Setup, tmp_path: Path) -> None:
    absent = _doctor("--data", str(tmp_path / "absent"))
    assert absent.returncode == 1
    assert "FAILED" in absent.stdout
    assert "foremend up" in absent.stdout
    assert "\x1b" not in absent.stdout
    settings = setup.settings
    told = {
        "FOREMEND_DSN": settings.dsn,
        "FOREMEND_NATS_URL": settings.nats_url.get_secret_value(),
        "FOREMEND_MQTT_PORT": str(settings.mqtt_port),
        "FOREMEND_DATA": str(tmp_path),
    }
    here = _doctor("--json", **told)
    said = json.loads(here.stdout)
    failed = [check["name"] for check in said["checks"] if check["state"] == "failed"]
    assert (here.returncode, failed) == (1, ["durable"]), here.stderr  # the tests' own server has no fsync
