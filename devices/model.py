"""The words that everybody speaks: appliance classes and their metrics, devices, customers, readings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from devices.adjustables import Adjustable
from devices.datum import Datum


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One typed column of a class. `low` and `high` bound what is physically plausible, in `unit`."""

    name: str  # carries its unit: `cabinet_temp_c`, `power_w`
    unit: str
    low: float
    high: float
    title: dict[str, str]  # language -> name
    resolution: float | None = None  # the smallest step that the sensor says, in `unit`; None: not known
    cadence_s: int | None = None  # how often it is usually said; None: as often as its class


@dataclass(frozen=True, kw_only=True)
class LevelRule:
    """A metric that must not leave the band it lives in: see detectors.level."""

    metric: str
    family: str
    min_shift: float  # metric's unit; smaller shifts are never reported, whatever the statistics say
    hold_s: int
    clear_hold_s: int
    min_drop: float | None = None  # as min_shift, for what lies below; None: the same

    @property
    def rule(self) -> str:
        return f"level:{self.metric}"


@dataclass(frozen=True, kw_only=True)
class OnTimeRule:
    """A compressor's on-time, read from power or current: see detectors.on_time."""

    metric: str
    family: str
    on_above: float  # metric's unit; at or above it the compressor runs
    hold_s: int
    clear_hold_s: int

    @property
    def rule(self) -> str:
        return f"on_time:{self.metric}"


class Regime(StrEnum):
    """What an appliance is just doing."""

    RUNNING = "running"  # it works: a compressor, a motor, a heater
    OFF = "off"  # it pauses, and will go on by itself
    DEFROST = "defrost"
    DOOR_OPEN = "door_open"
    PULL_DOWN = "pull_down"  # it works its way to where it is to be
    STANDBY = "standby"  # it waits for a person


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Something about a metric, or about its distance from another: at or above `above`, and below `below`."""

    metric: str
    minus: str | None = None  # another metric, which is taken off first
    over_s: int | None = None  # not the value, but by how much it has risen in so many seconds
    above: float | None = None
    below: float | None = None


@dataclass(frozen=True, kw_only=True)
class RegimeRule:
    """How a regime is recognised: all of `when` true for `hold_s`; it is over when not all were for `stay_s`."""

    regime: Regime
    when: tuple[Condition, ...]
    hold_s: int = 0
    stay_s: int = 0


@dataclass(frozen=True, kw_only=True)
class FaultFamily:
    """What may be wrong, what to bring, who can mend it."""

    family_id: str
    severity: str  # minor | major | critical
    skill: str
    parts: tuple[dict[str, str], ...]  # most likely first; each as its names by language
    title: dict[str, str]
    safety: bool = False  # a danger to people or to the house: nobody is asked first


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a device may send: so much a second, and `burst_s` seconds' worth of it at once. What it buffered while it
    could not send has room of its own, at once `backfill_times` all that it can have measured in its class's retention.
    """

    messages_per_s: float = 100
    points_per_s: float = 2_000
    bytes_per_s: float = 65_536
    burst_s: float = 60
    backfill_times: float = 2


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a model, or a tenant for all its appliances of a class, says otherwise than the class. What is left out
    stays as it was; `regimes` and `terms` stand for all of the class's."""

    rated_power_w: float | None = None
    set_point_c: tuple[float, float] | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)  # of Limits
    levels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by metric, of its LevelRule
    on_times: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by metric, of its OnTimeRule
    regimes: tuple[RegimeRule, ...] | None = None
    terms: tuple[Mapping[str, Any], ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Model:
    """What a maker sells under one number."""

    model: str  # as it stands on the appliance, and in `Device.model`
    maker: str
    title: dict[str, str]
    gtin: str | None = None  # GS1's, as 14 digits
    settings: Settings = Settings()


@dataclass(frozen=True, kw_only=True)
class Own:
    """What a tenant adds to a class. The values of its metrics are kept in `extra`."""

    metrics: tuple[Metric, ...] = ()
    models: Mapping[str, Model] = field(default_factory=dict)  # by number
    settings: Settings = Settings()


@dataclass(frozen=True, kw_only=True)
class ApplianceClass:
    """A row of the catalogue. The order of `metrics` is the order of columns and of flag bits; it only grows."""

    class_id: str
    title: dict[str, str]
    cadence_s: int
    metrics: tuple[Metric, ...]
    levels: tuple[LevelRule, ...]
    on_times: tuple[OnTimeRule, ...]
    families: tuple[FaultFamily, ...]
    retention_days: int = 400  # of readings: a year and a month, so that the same month a year ago can be compared
    limits: Limits = Limits()
    hours_days: int = 1830  # of hourly aggregates: five years, an appliance's life under warranty
    compress_after_days: int = 8  # on TimescaleDB: pages and detectors look at younger ones, most late ones are younger
    regimes: tuple[RegimeRule, ...] = ()  # the first one that is recognised names what it is doing
    rated_power_w: float | None = None
    set_point_c: tuple[float, float] | None = None  # between what a person may set it to
    terms: tuple[Mapping[str, Any], ...] = ()  # of its warranty, as they stand in the file
    models: Mapping[str, Model] = field(default_factory=dict)  # by number
    own: Mapping[str, Own] = field(default_factory=dict)  # by tenant
    adjustables: tuple[Adjustable, ...] = ()  # what its devices can be told to be like, beside what all can

    @property
    def metric_names(self) -> tuple[str, ...]:
        return tuple(metric.name for metric in self.metrics)

    @property
    def units(self) -> dict[str, str]:
        return {metric.name: metric.unit for metric in self.metrics}

    def family(self, family_id: str) -> FaultFamily:
        return next(family for family in self.families if family.family_id == family_id)

    def metric(self, name: str) -> Metric:
        return next(metric for metric in self.metrics if metric.name == name)


Catalogue = dict[str, ApplianceClass]


@dataclass(frozen=True, kw_only=True)
class Customer:
    customer_id: UUID
    tenant_id: str
    name: str
    language: str  # `en` | `zh`
    time_zone: str  # IANA name; "tomorrow 09:00" is the customer's
    email: str | None = None
    phone: str | None = None
    version: int = 1


class DeviceState(StrEnum):
    """Of its life; see devices.lifecycle."""

    MADE = "MADE"
    CLAIMED = "CLAIMED"  # somebody's, and not heard yet
    ACTIVE = "ACTIVE"
    RETIRED = "RETIRED"  # what it says is kept, nobody is asked about it
    REPLACED = "REPLACED"  # its successor wears its label
    RESOLD = "RESOLD"  # the old owner's access has ended, the next one has not claimed it


@dataclass(frozen=True, kw_only=True)
class Device:
    """One appliance. `device_id` is what stands in its MQTT topic, `device_no` what stands in the readings' key."""

    device_no: int
    device_id: str
    tenant_id: str
    class_id: str
    model: str
    serial: str
    customer_id: UUID | None
    place: str  # a person's words: "12 Canal Street, kitchen"
    region: str  # decides which engineers come into question
    label_token: str  # printed on the appliance: it identifies, it does not authenticate
    registered_at: datetime
    gateway_no: int | None = None  # through which it speaks
    site: str | None = None  # whose power and network it shares
    state: DeviceState = DeviceState.MADE
    successor_no: int | None = None
    made_on: date | None = None
    bought_on: date | None = None
    installed_on: date | None = None
    latitude: float | None = None  # WGS-84
    longitude: float | None = None
    datum: Datum | None = None  # of the point as it was given
    given_latitude: float | None = None
    given_longitude: float | None = None
    version: int = 1


@dataclass(frozen=True, kw_only=True)
class DeviceFilter:
    """Which devices of a tenant; what is None is not asked for."""

    class_id: str | None = None
    model: str | None = None
    state: DeviceState | None = None
    site: str | None = None
    customer_id: UUID | None = None
    text: str | None = None  # somewhere in id, model, serial or place, whatever the size of its letters


@dataclass(frozen=True, kw_only=True)
class Ownership:
    """A customer had a device from `since` to `until`, or has it."""

    device_no: int
    customer_id: UUID
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Address:
    """What ingest needs to know of a device for every message."""

    device_no: int
    class_id: str
    model: str = ""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A replayed file that stands for a device: its time shift is chosen once and kept."""

    device_no: int
    sha256: str
    shift_ms: int
    keep_time: bool
    facts: dict[str, Any] = field(default_factory=dict)
