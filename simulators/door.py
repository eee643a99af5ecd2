"""The house's HTTP door, as the yard uses it."""

from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx2

from simulators.broker import Identity, anonymous, signed_in

Json = dict[str, Any]


class DoorError(Exception):
    """Said in one sentence for whoever started the program. `status`: what the house answered, if it did."""

    def __init__(self, sentence: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


class Door:
    """One HTTP connection. Every method raises DoorError."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            self._client = httpx2.Client(base_url=self.url, timeout=30, trust_env=False)  # no proxy on the way home
        except httpx2.InvalidURL as error:
            raise DoorError(f"--api {url!r} is no address: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def put_device(self, device_id: str, facts: Json) -> Json:
        return self._ask("PUT", f"/api/devices/{device_id}", facts)

    def new_credential(self, device_id: str) -> Json:
        """With what a device signs in; one that was handed out before goes on until the new one is used."""
        path = f"/api/devices/{device_id}/credentials"
        try:
            return self._ask("POST", path, {})
        except DoorError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            return self._ask("POST", path, {"rotate": True})

    def identity(self, tenant: str, device_id: str, registered: Json) -> Identity:
        """As whom a device speaks that was `registered`: with a new credential, if it must sign in."""
        if registered["sign_in"] != "required":
            return anonymous(tenant, device_id)
        return signed_in(tenant, device_id, self.new_credential(device_id))

    def put_engineer(self, slug: str, facts: Json) -> Json:
        return self._ask("PUT", f"/api/engineers/{slug}", facts)

    def put_recording(self, device_id: str, sha256: str, shift_ms: int, *, keep_time: bool, facts: Json) -> Json:
        """The one that is kept: the first that was said for this device and file."""
        body = {"shift_ms": shift_ms, "keep_time": keep_time, "facts": facts}
        return self._ask("PUT", f"/api/devices/{device_id}/recordings/{sha256}", body)

    def ledger(self, device_id: str, from_ms: int | None = None, to_ms: int | None = None) -> Json:
        """What the record says of a device; `committed` of the readings between the two times, if they are given."""
        span = "" if from_ms is None or to_ms is None else f"?from_ms={from_ms}&to_ms={to_ms}"
        return self._ask("GET", f"/api/devices/{device_id}/ledger{span}")

    def newest_ms(self, device_id: str) -> int | None:
        newest = self.ledger(device_id)["to"]
        return None if newest is None else round(datetime.fromisoformat(newest).timestamp() * 1000)

    def log(self) -> Json:
        return self._ask("GET", "/api/log")

    def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        try:
            answer = self._client.request(method, path, json=body)
            said = answer.json()
        except httpx2.HTTPError as error:
            raise DoorError(
                f"no answer from {self.url} ({type(error).__name__}); is Foremend running (make up), "
                "and is that its address (--api)?"
            ) from error
        except ValueError as error:
            raise DoorError(f"{self.url}{path} does not answer in JSON; is that Foremend's address (--api)?") from error
        if answer.is_error:
            refusal = f"{method} {path}: {answer.status_code}: {said.get('detail') or said}"
            raise DoorError(refusal, answer.status_code)
        if not isinstance(said, dict):
            raise DoorError(f"{self.url}{path} does not answer as Foremend does; is that its address (--api)?")
        return said
