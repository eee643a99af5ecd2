"""A fleet with a connection for each device: what is acknowledged is in the record, whatever happens to the broker."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.engines.ports import free_port
from benchmarks.balance import Row, balance
from simulators import fleet
from simulators.door import Door
from tests.simulators.conftest import House

STAYS = """
[classes]
refrigerator = 3
cold_room = 1

[nuisances]
offline = 0
power_cuts = 0
long_power_cuts = 0
clock_steps = 600

[[faults]]
name = "sensor_drift"
share = 0.1
onset_day = [0, 1]
"""
COMES_AND_GOES = """
[nuisances]                  # a day of this is less than half an hour of ours
offline = 300
power_cuts = 200
clock_forgets = 1
clock_steps = 40
firmware_scales = 20
"""


class Run:
    """`foremend fleet run`, and what it prints."""

    def __init__(self, house: House, folder: Path, mix_toml: str, *more: str) -> None:
        mix, self.ledger_file = folder / "mix.toml", folder / "ledger.json"
        mix.write_text(mix_toml)
        doors = ("--api", house.api, "--broker", f"mqtt://{house.mqtt}", "--register")
        options = ("--faults", str(mix), "--ledger", str(self.ledger_file), *doors, *more)
        command = [sys.executable, "-u", "-m", "simulators.fleet", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self._lines = self.process.stdout

    def said(self) -> Iterator[dict[str, Any]]:
        for line in self._lines:
            yield json.loads(line)

    def until(self, **least: int) -> dict[str, Any]:
        for line in self.said():
            if all(line.get(name, -1) >= value for name, value in least.items()):
                return line
        pytest.fail(f"the fleet ended with {self.process.wait()} before {least}")

    def close(self) -> None:
        self._lines.close()

    def stop(self) -> dict[str, Any]:
        self.process.send_signal(signal.SIGTERM)
        for _ in self.said():
            pass
        assert self.process.wait(60) == 0
        ledger: dict[str, Any] = json.loads(self.ledger_file.read_text())
        return ledger


def not_balanced(house: House, ledger: dict[str, Any]) -> list[Row]:
    with Door(house.api) as door:
        return [row for row in balance(door, ledger["devices"]) if not row.balanced]


def obeys(house: House, device: str) -> None:
    """It is told another set point, and says that it has taken it."""
    path = f"/api/devices/{device}/twin"
    answer = httpx2.patch(
        house.api + path, json={"state": {"set_point_c": 7}}, headers={"If-Match": '"0"'}, trust_env=False
    )
    assert answer.status_code == 200, answer.text
    house.until(lambda: house.get(path)["reported_version"] == 1, f"{device} does not obey")
    assert house.get(path)["reported"]["set_point_c"] == 7


def through_a_death(
    house: House, folder: Path, mix: str, devices: int, *more: str, meanwhile: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    run = Run(house, folder, mix, "--devices", str(devices), *more)
    try:
        run.until(acknowledged=devices * 2)
        house.log.process.kill()
        time.sleep(0.5)
        house.log.start()
        run.until(reconnects=devices, acknowledged=devices * 6)
        meanwhile()
        return run.stop()
    finally:
        run.process.kill()
        run.process.wait()
        run.close()


@pytest.mark.engines
def test_every_device_comes_back_after_the_brokers_death_and_the_ledger_balances(house: House, tmp_path: Path) -> None:
    # Five readings a second of each, and an hour later in step with us: clocks that are ahead say what is to come.
    hour = ("--days", "0.04", "--speed", "300")
    told = partial(obeys, house, "refrigerator-00000")
    ledger = through_a_death(house, tmp_path, STAYS, 40, *hour, meanwhile=told)
    house.caught_up()
    assert len(ledger["devices"]) == 40
    assert not_balanced(house, ledger) == []
    assert all(row["connects"] == 2 for row in ledger["devices"])
    assert ledger["unanswered"] == 0, "it waits for the last acknowledgements"
    assert ledger["messages"] < ledger["readings"], "what waited came as arrays"


@pytest.mark.engines
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_thousand_devices_come_back_after_the_brokers_death(house: House, tmp_path: Path) -> None:
    ledger = through_a_death(house, tmp_path, COMES_AND_GOES, 1000, "--days", "2", "--speed", "60")
    house.caught_up()
    assert not_balanced(house, ledger) == []
    assert sum(row["connects"] >= 2 for row in ledger["devices"]) > 900, "all but those that are away"


def test_a_fleet_that_reached_no_broker_has_failed(capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = f"mqtt://127.0.0.1:{free_port()}"
    assert fleet.main(["--broker", nowhere, "--devices", "1", "--seconds", "0.2"]) == 1
    assert f"nobody was ever connected to {nowhere}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--tenant", "a/b"), "--tenant"),
        (("--seed", "-1"), "--seed"),
        (("--days", "nan"), "--days"),
        (("--seconds", "nan"), "--seconds"),
        (("--ledger", "/nowhere/at/all.json"), "no folder"),
    ],
)
def test_an_option_that_cannot_be_is_a_sentence(
    capsys: pytest.CaptureFixture[str], option: tuple[str, str], said: str
) -> None:
    with pytest.raises(SystemExit):
        fleet.main(option)
    assert said in capsys.readouterr().err
