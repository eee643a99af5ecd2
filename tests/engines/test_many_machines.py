"""Many machines: their compose file is what its parts can read; NATS' cores and fronts are what the decision says."""

import re

from api.settings import Settings
from tests.engines import compose
from tests.engines.compose import CLUSTER, ROOT

OURS = {"migrate", "door", "worker", "relay", "api"}
CORES = {"nats-1", "nats-2", "nats-3"}
FRONTS = {"front-1", "front-2"}


def test_the_file_is_read_by_docker_or_else_is_yaml_without_open_ends() -> None:
    read = compose.by_docker(CLUSTER) if compose.has_docker_compose() else compose.by_yaml(CLUSTER)
    assert set(read["services"]) == {"database", *CORES, *FRONTS, *OURS}
    text = (ROOT / CLUSTER).read_text()
    assert not re.search(r"\$(?!\{\w+(:-[^}]*)?\})", text)
    for name, service in compose.by_yaml(CLUSTER)["services"].items():
        used = {each["source"] if isinstance(each, dict) else each for each in service.get("secrets", [])}
        assert used <= set(read["secrets"]), name
        volumes = {str(volume).partition(":")[0] for volume in service.get("volumes", [])}
        assert {volume for volume in volumes if not volume.startswith(".")} <= set(read["volumes"]), name
        assert set(service.get("depends_on", {})) <= set(read["services"]), name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        assert service["cap_drop"] == ["ALL"], name
        assert service.get("read_only", False) is (name != "database"), name
        assert [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")] == [], name


def test_every_secret_of_the_file_is_made_by_the_script() -> None:
    made = (ROOT / "deploy" / "make-secrets.sh").read_text()
    for name, secret in compose.by_yaml(CLUSTER)["secrets"].items():
        assert secret == {"file": f"secrets/{name}"}
        assert re.search(rf"\b{name}\b", made), name


def test_each_server_keeps_its_own_store_and_only_fronts_have_a_door() -> None:
    services = compose.by_yaml(CLUSTER)["services"]
    for name in (*CORES, *FRONTS):
        told = compose.environment(name, CLUSTER)
        assert told["NATS_NAME"] == name
        assert told["NATS_ROLE"] == ("core" if name in CORES else "front")
        assert f"{name}:/data" in services[name]["volumes"]
        assert ("ports" in services[name]) is ("NATS_MQTT_PORT" in told) is (name in FRONTS)
        used = set(re.findall(r"\$(NATS_\w+)", (ROOT / "deploy" / f"nats-{told['NATS_ROLE']}.conf").read_text()))
        given = set(re.findall(r"(NATS_\w+)=", (ROOT / "deploy" / "nats.sh").read_text())) | set(told)
        assert used <= given


def test_our_processes_know_what_they_are_told_and_migrate_names_all_fronts() -> None:
    known = {f"FOREMEND_{name.upper()}" for name in Settings.model_fields} | {"FOREMEND_SECRETS"}
    for name in OURS:
        assert set(compose.environment(name, CLUSTER)) <= known, name
        assert compose.secrets(name, CLUSTER)["foremend_nats_url"] == "nats_urls"
    told = compose.environment("migrate", CLUSTER)
    assert compose.environment("door", CLUSTER)["FOREMEND_FRONTS"] == told["FOREMEND_FRONTS"]
    assert set(told["FOREMEND_FRONTS"].split(",")) == FRONTS
    assert int(told["FOREMEND_LOG_REPLICAS"]) == len(CORES)
    workers = compose.by_yaml(CLUSTER)["services"]["worker"]["deploy"]["replicas"]
    assert workers == int(told["FOREMEND_PARTITIONS"]) + 1, "a worker for each partition, and one that waits"


def test_nothing_that_a_device_says_passes_a_fronts_leaf_connection() -> None:
    """Else another server's log could answer for the front's own, before a PUBACK."""
    text = (ROOT / "deploy" / "nats-front.conf").read_text()
    for side in ("deny_imports", "deny_exports"):
        assert f'{side}: ["$MQTT.>", "fm.*.*.up.>", "fm.*.*.ctl.>", "house.>"]' in text
    assert "mqtt" not in (ROOT / "deploy" / "nats-core.conf").read_text()
