"""What to look at: the house that `foremend up` runs on a data folder, or one whose parts FOREMEND_* name."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from api.database import Role
from api.settings import Settings, SignIn


@dataclass(frozen=True, kw_only=True)
class Setup:
    """`embedded`: the data folder of the wheels' engines; None: a server's parts. `logins`: a folder
    with the roles' passwords, files `api`, `worker`, `relay`; None: PGPASSFILE knows them, or nobody asks."""

    settings: Settings
    embedded: Path | None
    logins: Path | None = None

    def settings_of(self, role: Role) -> Settings:
        if self.logins is None:
            return self.settings
        password = SecretStr((self.logins / role.removeprefix("foremend_")).read_text().strip())
        return self.settings.model_copy(update={"db_password": password})


def of_server(logins: Path | None = None) -> Setup:
    return Setup(settings=Settings.from_environment(), embedded=None, logins=logins)


def of_folder(data: Path) -> Setup:
    """An engine that does not run leaves an address at which nobody answers; the checks say so."""
    nats = _nats(data)
    secret = next((user["password"] for user in _users(nats) if user["user"] == "house"), "")
    settings = Settings(
        dsn=make_conninfo("", host=_socket(data), port=5432, dbname="postgres"),
        nats_url=SecretStr(f"nats://house:{secret}@127.0.0.1:{nats.get('port', 4222)}"),
        mqtt_port=nats.get("mqtt", {}).get("port", 1883),
        mqtt_tls="tls" in nats.get("mqtt", {}),
        device_sign_in=SignIn.REQUIRED if "authorization" in nats else SignIn.OPEN,
        data=data,
    )
    return Setup(settings=settings, embedded=data)


def _socket(data: Path) -> str:
    """Where the running server listens, by the fifth line of postmaster.pid."""
    try:
        return (data / "postgres" / "postmaster.pid").read_text().splitlines()[4]
    except (OSError, IndexError):
        return str(data / "run")


def _nats(data: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((data / "nats" / "server.conf").read_text())
    except (OSError, ValueError):
        return {}
    return config


def _users(nats: dict[str, Any]) -> list[dict[str, Any]]:
    users: list[dict[str, Any]] = nats.get("accounts", {}).get("HOUSE", {}).get("users", [])
    return users
