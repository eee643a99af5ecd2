"""What the containers' NATS lets whom do is what the embedded one does."""

from pathlib import Path

from api.engines.nats import Nats
from api.settings import SignIn
from tests.engines.compose import ROOT

MQTT_DOORS = ("nats-mqtt.conf", "nats-front-mqtt.conf")


def test_nats_has_there_what_the_embedded_one_has(tmp_path: Path) -> None:
    (tmp_path / "nats").mkdir()
    config = Nats(tmp_path, port=1, mqtt_port=2, sign_in=SignIn.REQUIRED)._config(mqtt=True)
    text = "".join((ROOT / "deploy" / name).read_text() for name in ("nats.conf", "nats-users.conf"))
    assert f"max_payload: {config['max_payload']} " in text
    (house,) = config["accounts"]["HOUSE"]["users"]
    assert f"user: {house['user']}, " in text
    assert f"allowed_connection_types: [{', '.join(house['allowed_connection_types'])}]" in text
    told = {"$NATS_CONNECTIONS": "door.foremend.connections", "$NATS_KICK": "door.foremend.kick.*"}
    for name, subject in told.items():
        text = text.replace(name, subject)
    imports = config["accounts"]["HOUSE"]["imports"]
    assert len(imports) == 3
    for each in imports:
        assert f'"{each["service"]["subject"]}"}}, to: {each["to"]}}}' in text
    assert config["system_account"] in text
    door = (ROOT / "deploy" / "nats-door.conf").read_text()
    asked = config["authorization"]
    assert f"timeout: {asked['timeout']} " in door
    callout = asked["auth_callout"]
    assert f"account: {callout['account']}, auth_users: [{', '.join(callout['auth_users'])}]" in door
    assert all("include nats-door.conf" in (ROOT / "deploy" / name).read_text() for name in MQTT_DOORS)
