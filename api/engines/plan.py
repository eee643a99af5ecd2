"""What `foremend up` was asked for, and what each process is told about it."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from api.engines.certificates import Certificate
from api.settings import SignIn

_LOOPBACK = "127.0.0.1"
_HOUSE_ONLY = {"FOREMEND_DSN", "FOREMEND_NATS_URL", "FOREMEND_NATS_ISSUER", "FOREMEND_SMTP_URL"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`fleet`: the demo fleet's own options, or None for no fleet."""

    data: Path
    checkout: Path
    http_port: int
    mqtt_port: int
    nats_port: int
    base_url: str
    lan: bool
    fleet: tuple[str, ...] | None
    certificate: Certificate | None = None  # of the devices' door; None: it is not encrypted
    power_safe: bool = False  # NATS syncs each message before it acknowledges
    sign_in: SignIn = SignIn.OPEN  # whether devices must say who they are
    sync: bool = True  # False: for tests, that may lose everything with the machine
    backoff_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)  # between deaths; one more ends the house

    @property
    def desk_url(self) -> str:
        return f"http://{_LOOPBACK}:{self.http_port}"

    def ports(self) -> dict[str, int]:
        return {"--http-port": self.http_port, "--mqtt-port": self.mqtt_port, "--nats-port": self.nats_port}

    def house_command(self, name: str) -> list[str]:
        return [sys.executable, "-m", "api.cli", name]

    def fleet_command(self) -> list[str]:
        return [sys.executable, "-u", "-m", "simulators.demo", *(self.fleet or ())]

    def house_environment(self, caller: Mapping[str, str], name: str, *, dsn: str, nats_url: str) -> dict[str, str]:
        """The caller's variables pass through (FOREMEND_SMTP_URL, FOREMEND_TENANT), ours win."""
        own = caller.get("FOREMEND_CATALOGUE")
        return {
            **caller,
            **({"FOREMEND_CATALOGUE": str(Path(own).absolute())} if own else {}),  # they run in another folder
            **self._addresses(),
            "FOREMEND_DSN": dsn,
            "FOREMEND_NATS_URL": nats_url,
            "FOREMEND_DATA": str(self.data),
            "FOREMEND_LAN": "1" if self.lan else "0",
            "FOREMEND_LOG_FILE": str(self.data / "logs" / f"{name}.json"),
        }

    def fleet_environment(self, caller: Mapping[str, str]) -> dict[str, str]:
        """The fleet is a stranger: it knows the two doors and no secret."""
        return {key: value for key, value in caller.items() if key not in _HOUSE_ONLY} | self._addresses()

    def _addresses(self) -> dict[str, str]:
        encrypted = {"FOREMEND_MQTT_TLS": "1"} if self.certificate is not None else {}
        return encrypted | {
            "FOREMEND_MQTT_HOST": _LOOPBACK,
            "FOREMEND_MQTT_PORT": str(self.mqtt_port),
            "FOREMEND_DEVICE_SIGN_IN": self.sign_in.value,
            "FOREMEND_HTTP_HOST": _LOOPBACK,
            "FOREMEND_HTTP_PORT": str(self.http_port),
            "FOREMEND_BASE_URL": self.base_url,
        }
