"""The doctor at the house's own Mosquitto: as its script starts it, with nobody in the relay's way."""

from typing import Any

import pytest
from pydantic import SecretStr

from api.doctor import broker, mosquitto
from api.engines.ports import free_port
from api.mosquitto import control
from api.mosquitto.control import Control
from api.settings import Settings
from api.watch.checks import Check, State
from tests.conftest import Database
from tests.engines.mosquitto_profile import HOST, Profile, profile
from tests.processes import wait_for

pytestmark = pytest.mark.engines
__all__ = ["profile"]  # a fixture


def looked(settings: Settings, **other: Any) -> dict[str, Check]:
    return {check.name: check for check in mosquitto.examine(settings.model_copy(update=other))}


def test_a_mosquitto_that_does_not_let_the_relay_in_is_found_and_one_that_does_notices_nobody(
    database: Database, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "_LISTEN_S", 60.0)  # it speaks of itself every ten seconds
    for module, patience in ((control, "_CONNECT_S"), (mosquitto, "_PATIENCE_S")):
        monkeypatch.setattr(module, patience, 60.0)
    profile.start()
    settings = profile.settings(database)
    relays = Control(HOST, profile.house_port, username="registrar", password=profile.secret("registrar"))
    try:
        wait_for(lambda: "dropped nothing" in str(looked(settings).get("mosquitto_queue")))
        found = looked(settings)
        assert {name: check.state for name, check in found.items()} == dict.fromkeys(
            ("mosquitto", "mosquitto_queue"), State.OK
        )
        relays.check()  # its session is as it was
        assert list(relays.clients())
    finally:
        relays.close()
    wrong = looked(settings, mosquitto_password=SecretStr("guessed"))["mosquitto"]
    assert (wrong.state, "guessed" in str(wrong)) == (State.FAILED, False)
    assert looked(settings, mosquitto_url=f"mqtt://{HOST}:{free_port()}")["mosquitto"].state is State.FAILED
    assert looked(settings, mosquitto_url="http://there")["mosquitto"].state is State.FAILED
    assert looked(settings, mosquitto_url=None) == {}
