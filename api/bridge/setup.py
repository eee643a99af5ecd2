"""What a bridge is told, read: the other broker's address, who we are there, what of theirs becomes what of ours."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from api.doctor import setup
from api.settings import Settings
from ingest import topics
from ingest.bridge import foreign, packets
from ingest.bridge.adapter_mqtt import Account, Broker
from ingest.bridge.foreign import Mapping
from ingest.bridge.versions import Protocol
from ingest.errors import BrokerError, MapError
from ingest.twin import bridged
from ingest.twin.bridged import WayDown

_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, kw_only=True)
class Files:
    username: Path | None = None
    password: Path | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Address:
    host: str
    port: int
    tls: bool

    @classmethod
    def read(cls, url: str) -> "Address":
        """Raises BrokerError."""
        try:
            at = urlsplit(url)
            host, port = at.hostname, at.port
        except ValueError:
            host = port = None
        if not host or at.scheme not in _PORTS or at.path not in {"", "/"}:
            raise BrokerError("--broker reads mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS")
        if at.username is not None or at.password is not None:
            raise BrokerError(
                "everybody on this machine can read a command line: give username and password in files "
                "(--username-file, --password-file) or as FOREMEND_BRIDGE_USERNAME and FOREMEND_BRIDGE_PASSWORD"
            )
        return cls(host=host, port=port or _PORTS[at.scheme], tls=at.scheme == "mqtts")


def broker(
    settings: Settings,
    address: Address,
    filters: Sequence[str],
    client_id: str,
    files: Files,
    protocol: Protocol = Protocol.AUTO,
) -> Broker:
    """With its files as they are now. Raises BrokerError for what cannot be read or used."""
    if not address.tls and (files.ca or files.cert or files.key):
        raise BrokerError("--ca, --cert and --key are for TLS: say mqtts:// in --broker")
    username = _line(files.username) if files.username else settings.bridge_username
    secret = settings.bridge_password.get_secret_value() if settings.bridge_password else None
    password = _line(files.password) if files.password else secret
    if password is not None and username is None:
        raise BrokerError("a password needs a username: MQTT 3.1.1 has none without")
    account = Account(client_id=client_id, username=username, password=password)
    packets.connect(client_id, keep_alive_s=0, username=username, password=password)  # it can be said
    tls = _tls(files) if address.tls else None
    return Broker(
        host=address.host, port=address.port, filters=tuple(filters), account=account, tls=tls, protocol=protocol
    )


def edges(tenant_id: str | None) -> foreign.Edges:
    """Filters and maps for the edge nodes of a tenant, none for none. Raises MapError."""
    if tenant_id is None:
        return foreign.Edges((), ())
    if not topics.is_id(tenant_id):
        raise MapError("a tenant is 1 to 64 of a-z A-Z 0-9 _ -")
    return foreign.edges(tenant_id)


def way_down(downs: Sequence[str], edges_of: str | None) -> WayDown:
    """Raises MapError."""
    return WayDown([bridged.parse(each) for each in downs], edges_of)


def mapping(filters: Sequence[str], maps: Sequence[str], tenant_id: str) -> Mapping:
    """Raises MapError, also for a filter that is none."""
    if not filters:
        raise MapError("name what to bring: --topic FILTER, or --sparkplug TENANT")
    for each in filters:
        foreign.check_filter(each)
        packets.subscribe(1, [each])
    if not topics.is_id(tenant_id):
        raise MapError("a tenant is 1 to 64 of a-z A-Z 0-9 _ -")
    return Mapping([foreign.parse(each) for each in maps or [foreign.AS_IT_IS]], tenant_id)


def settings_for(data: Path) -> Settings:
    """A bridge needs the log only: FOREMEND_NATS_URL, else that of the house on a data folder. Raises BrokerError."""
    given = Settings.from_environment(dsn="")
    if "nats_url" in given.model_fields_set:
        return given
    if not (data / "nats" / "server.conf").exists():
        raise BrokerError(f"no log in {data}: name the house's folder with --data DIR, or set FOREMEND_NATS_URL")
    return given.model_copy(update={"nats_url": setup.of_folder(data).settings.nats_url})


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BrokerError(f"{path} cannot be read: {error}") from None


def _tls(files: Files) -> ssl.SSLContext:
    if (files.cert is None) != (files.key is None):
        raise BrokerError("--cert and --key go together")
    try:
        context = ssl.create_default_context(cafile=files.ca)
        if files.cert and files.key:
            context.load_cert_chain(files.cert, files.key, password="")
    except (OSError, ValueError) as error:
        raise BrokerError(f"a certificate or key cannot be used: {error}") from None
    return context
