"""Words of the sites."""

from dataclasses import dataclass

from devices.datum import Datum


@dataclass(frozen=True, kw_only=True)
class Site:
    """`latitude` and `longitude` are WGS-84; the point as it was given stands beside them with its datum."""

    tenant_id: str
    name: str
    address: str = ""
    time_zone: str = "UTC"
    latitude: float | None = None
    longitude: float | None = None
    datum: Datum | None = None
    given_latitude: float | None = None
    given_longitude: float | None = None
    version: int = 1
