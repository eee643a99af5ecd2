"""One device on the command line: registered, corrected, given to a customer, and what is known of its life."""

from datetime import datetime
from typing import Annotated, Any

import typer

from api.cli._api import ask, in_path
from api.cli._options import HERE, Api, fail

DeviceId = Annotated[str, typer.Argument(metavar="DEVICE", help="The device's id.")]
Facts = Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE...", help="place, region, bought_on, ...")]
FACTS = ("place", "region", "made_on", "bought_on", "installed_on", "point")
POINT = "point=LATITUDE,LONGITUDE or point=LATITUDE,LONGITUDE,DATUM"


def register(
    device_id: DeviceId,
    facts: Facts = None,
    *,
    class_id: Annotated[str, typer.Option("--class", help="Its class, such as refrigerator.")],
    model: Annotated[str, typer.Option("--model", help="Its model.")],
    serial: Annotated[str, typer.Option("--serial", help="Its serial number.")],
    api: Api = HERE,
) -> None:
    """Register a device; the same facts again change nothing. Many at once: import."""
    said = {"class_id": class_id, "model": model, "serial": serial, **read(facts or [], FACTS)}
    found = ask(api, "PUT", path(device_id), json=said)
    typer.echo(f"{device_id}: {found['state']}, {found['topic']}")


def amend(
    device_id: DeviceId,
    facts: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="model, serial, place, bought_on, ...")],
    *,
    api: Api = HERE,
) -> None:
    """Correct facts of a device; NAME= takes one away."""
    said = read(facts, ("model", "serial", *FACTS))
    seen = ask(api, "GET", path(device_id))
    amended = ask(api, "PATCH", path(device_id), json=said, headers={"If-Match": f'"{seen["version"]}"'})
    same = amended["version"] == seen["version"]
    typer.echo(f"{device_id}: {'it is so already' if same else ', '.join(sorted(said))}")


def read(facts: list[str], known: tuple[str, ...]) -> dict[str, Any]:
    """As the interface takes them: an empty word is empty, a date or a point that is empty is none."""
    return dict(_fact(each, known) for each in facts)


def _fact(text: str, known: tuple[str, ...]) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or name not in known:
        raise fail(f"{text!r} should read NAME=VALUE with one of {', '.join(known)}")
    if name == "point":
        return name, _point(value) if value else None
    return name, value or (None if name.endswith("_on") else "")


def _point(text: str) -> dict[str, Any]:
    latitude, _, rest = text.partition(",")
    longitude, _, datum = rest.partition(",")
    try:
        said: dict[str, Any] = {"latitude": float(latitude), "longitude": float(longitude)}
    except ValueError:
        raise fail(f"a point reads {POINT}") from None
    return said | ({"datum": datum.strip()} if datum else {})


def claim(
    device_id: DeviceId,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Whose it is, by id.")],
    *,
    api: Api = HERE,
) -> None:
    """Say whose a device is; it must be nobody's."""
    move(api, device_id, {"to": "CLAIMED", "customer": customer})


def owners(device_id: DeviceId, *, api: Api = HERE) -> None:
    """Who had a device from when to when."""
    for each in ask(api, "GET", f"{path(device_id)}/ownership")["ownership"]:
        typer.echo(f"{each['since']}\t{each['until'] or ''}\t{each['customer_id']}")


def warranty(device_id: DeviceId, *, api: Api = HERE) -> None:
    """What is covered until when, and from which day that is counted."""
    said = ask(api, "GET", f"{path(device_id)}/warranty")
    typer.echo(f"{device_id}: {said['standing']}")
    for each in said["covers"]:
        typer.echo(f"{each['title']['en']}\t{each['since'] or ''}\t{each['until'] or ''}\t{each['start'] or ''}")


def history(
    subject: Annotated[str, typer.Argument(metavar="DEVICE", help="The device's id, or a customer's.")],
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="At most so many.")] = 50,
    api: Api = HERE,
) -> None:
    """What was done to a device, by whom and when: the log's lines, the latest first."""
    for each in ask(api, "GET", "/api/events", params={"subject": subject, "limit": limit})["events"]:
        at = datetime.fromisoformat(each["at"]).isoformat(" ", "seconds")
        data = " ".join(f"{name}={value}" for name, value in each["data"].items())
        typer.echo(f"{at}\t{each['actor']}\t{each['kind']}\t{data}")


def move(api: str, device_id: str, body: dict[str, Any]) -> None:
    seen = ask(api, "GET", path(device_id))
    moved = ask(api, "POST", f"{path(device_id)}/transitions", json={**body, "version": seen["version"]})
    typer.echo(f"{device_id}: {seen['state']} -> {moved['state']}")


def path(device_id: str) -> str:
    return f"/api/devices/{in_path(device_id)}"
