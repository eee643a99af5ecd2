"""Points that were given in another datum stand where they stand in WGS-84."""

import pytest

from devices.datum import Datum, Point, from_wgs84, to_wgs84

# As published with the measured formulas: WGS-84 and GCJ-02 of one place in Shanghai, Shenzhen, Beijing
WGS_GCJ = [
    ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
    ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
    ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
]
# And of BD-09 with GCJ-02: Tiananmen's neighbourhood, there and back
BD_GCJ = [
    ((39.915, 116.404), (39.90865673957631, 116.39762729119315)),
    ((39.92133699351021, 116.41036949371029), (39.915, 116.404)),
]
METRE = 1e-5  # degrees, roughly


def near(point: Point, expected: tuple[float, float], within: float) -> bool:
    return abs(point.latitude - expected[0]) < within and abs(point.longitude - expected[1]) < within


@pytest.mark.parametrize(("wgs", "gcj"), WGS_GCJ)
def test_published_points_of_gcj_02_are_met_in_both_directions(
    wgs: tuple[float, float], gcj: tuple[float, float]
) -> None:
    there = from_wgs84(Point(latitude=wgs[0], longitude=wgs[1]), Datum.GCJ_02)
    assert near(there, gcj, 1e-9)
    assert near(to_wgs84(Point(latitude=gcj[0], longitude=gcj[1], datum=Datum.GCJ_02)), wgs, 1e-9)


@pytest.mark.parametrize(("bd", "gcj"), BD_GCJ)
def test_published_points_of_bd_09_stand_where_those_of_gcj_02_stand(
    bd: tuple[float, float], gcj: tuple[float, float]
) -> None:
    expected = to_wgs84(Point(latitude=gcj[0], longitude=gcj[1], datum=Datum.GCJ_02))
    found = to_wgs84(Point(latitude=bd[0], longitude=bd[1], datum=Datum.BD_09))
    assert near(found, (expected.latitude, expected.longitude), METRE)
    assert near(from_wgs84(found, Datum.BD_09), bd, METRE)


@pytest.mark.parametrize("latitude_longitude", [(52.52, 13.405), (-33.86, 151.21), (0.0, 0.0)])
def test_outside_of_china_gcj_02_is_wgs_84(latitude_longitude: tuple[float, float]) -> None:
    latitude, longitude = latitude_longitude
    point = Point(latitude=latitude, longitude=longitude, datum=Datum.GCJ_02)
    assert to_wgs84(point) == Point(latitude=latitude, longitude=longitude)


def test_wgs_84_is_left_as_it_is() -> None:
    point = Point(latitude=31.2, longitude=121.5)
    assert to_wgs84(point) == from_wgs84(point, Datum.WGS_84) == point
