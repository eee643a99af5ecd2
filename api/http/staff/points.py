"""A point as a form has it: as it was given, in its datum."""

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import Field

from api.http.rest.devices import Body
from api.http.staff import forms
from api.http.staff.forms import Form
from devices.datum import Datum, Point
from devices.model import Device
from devices.sites.model import Site


class PointFields(Body):
    latitude: Annotated[float | None, Field(ge=-90, le=90)] = None
    longitude: Annotated[float | None, Field(ge=-180, le=180)] = None
    datum: Datum = Datum.WGS_84

    @property
    def point(self) -> Point | None:
        if self.latitude is None or self.longitude is None:
            return None
        return Point(latitude=self.latitude, longitude=self.longitude, datum=self.datum)


T = TypeVar("T", bound=PointFields)


def check(body: type[T], typed: Mapping[str, str], language: str) -> T | Form:
    """As forms.check; half a point is none."""
    said = forms.check(body, typed, language)
    if isinstance(said, Form) or (said.latitude is None) == (said.longitude is None):
        return said
    return forms.wrong(language, typed, "latitude" if said.latitude is None else "longitude", "half_point")


def typed_of(place: Device | Site) -> Mapping[str, str]:
    return {
        "latitude": "" if place.given_latitude is None else f"{place.given_latitude:.10g}",
        "longitude": "" if place.given_longitude is None else f"{place.given_longitude:.10g}",
        "datum": place.datum or Datum.WGS_84,
    }
