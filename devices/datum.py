"""Where a point lies in WGS-84, whatever datum it was given in: WGS-84 as satellites have it, GCJ-02 as maps of China
have it, BD-09 as Baidu has it.

Neither GCJ-02 nor BD-09 is published by whoever made it; these formulas were found by measuring, and are exact to a
metre or so. Outside of China GCJ-02 is WGS-84.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import atan2, cos, hypot, pi, radians, sin, sqrt

_A_M = 6_378_245.0  # Krasovsky 1940, the ellipsoid that GCJ-02 measures its shift on
_E2 = 0.006_693_421_622_965_943
_CHINA = (0.8293, 55.8271, 72.004, 137.8347)  # south, north, west, east: outside nothing is shifted
_BD_TURN = pi * 3000 / 180
_BD_LATITUDE, _BD_LONGITUDE = 0.006, 0.0065
_STEPS = 8  # each makes the error some thousand times smaller


class Datum(StrEnum):
    WGS_84 = "WGS-84"
    GCJ_02 = "GCJ-02"
    BD_09 = "BD-09"


@dataclass(frozen=True, kw_only=True)
class Point:
    """Degrees, in the datum that is named."""

    latitude: float
    longitude: float
    datum: Datum = Datum.WGS_84


def to_wgs84(point: Point) -> Point:
    latitude, longitude = point.latitude, point.longitude
    if point.datum is Datum.BD_09:
        latitude, longitude = _gcj_of_bd(latitude, longitude)
    if point.datum is not Datum.WGS_84:
        latitude, longitude = _wgs_of_gcj(latitude, longitude)
    return Point(latitude=latitude, longitude=longitude)


def from_wgs84(point: Point, datum: Datum) -> Point:
    """The other way: what a map of that datum must be told."""
    latitude, longitude = point.latitude, point.longitude
    if datum is not Datum.WGS_84:
        latitude, longitude = _gcj_of_wgs(latitude, longitude)
    if datum is Datum.BD_09:
        latitude, longitude = _bd_of_gcj(latitude, longitude)
    return Point(latitude=latitude, longitude=longitude, datum=datum)


def _gcj_of_wgs(latitude: float, longitude: float) -> tuple[float, float]:
    south, north, west, east = _CHINA
    if not (south <= latitude <= north and west <= longitude <= east):
        return latitude, longitude
    x, y = longitude - 105.0, latitude - 35.0
    north_m, east_m = _shift_m(x, y)
    curve = 1 - _E2 * sin(radians(latitude)) ** 2
    north_deg = north_m * 180 / (_A_M * (1 - _E2) / (curve * sqrt(curve)) * pi)
    east_deg = east_m * 180 / (_A_M / sqrt(curve) * cos(radians(latitude)) * pi)
    return latitude + north_deg, longitude + east_deg


def _shift_m(x: float, y: float) -> tuple[float, float]:
    wave = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + wave
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    north += (160 * sin(y / 12 * pi) + 320 * sin(y / 30 * pi)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + wave
    east += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    east += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    return north, east


def _wgs_of_gcj(latitude: float, longitude: float) -> tuple[float, float]:
    """There is no formula for the way back; the way there is nearly a shift, so a few corrections find it."""
    found = latitude, longitude
    for _ in range(_STEPS):
        there = _gcj_of_wgs(*found)
        found = found[0] + latitude - there[0], found[1] + longitude - there[1]
    return found


def _bd_of_gcj(latitude: float, longitude: float) -> tuple[float, float]:
    distance = hypot(longitude, latitude) + 0.000_02 * sin(latitude * _BD_TURN)
    angle = atan2(latitude, longitude) + 0.000_003 * cos(longitude * _BD_TURN)
    return distance * sin(angle) + _BD_LATITUDE, distance * cos(angle) + _BD_LONGITUDE


def _gcj_of_bd(latitude: float, longitude: float) -> tuple[float, float]:
    y, x = latitude - _BD_LATITUDE, longitude - _BD_LONGITUDE
    distance = hypot(x, y) - 0.000_02 * sin(y * _BD_TURN)
    angle = atan2(y, x) - 0.000_003 * cos(x * _BD_TURN)
    return distance * sin(angle), distance * cos(angle)
