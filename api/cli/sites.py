"""`foremend sites`: where devices share power and network; and what the firm is called."""

from typing import Annotated, Any

import typer

from api.cli._api import ask, in_path
from api.cli._device import read
from api.cli._options import HERE, Api

Site = Annotated[str, typer.Argument(metavar="SITE", help="The site's name.")]
FACTS = ("address", "time_zone", "point")


def register(app: typer.Typer) -> None:
    sites = typer.Typer(no_args_is_help=True, help="Sites, and the firm whose they are.")
    app.add_typer(sites, name="sites")
    for command in (_list, _show, _set, _firm):
        sites.command(command.__name__[1:])(command)


def _list(*, api: Api = HERE) -> None:
    """List all sites: name, time zone, address."""
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        page = ask(api, "GET", "/api/sites", params={"after": page["next"]})
        for each in page["sites"]:
            typer.echo(f"{each['name']}\t{each['time_zone']}\t{each['address']}")


def _show(site: Site, *, api: Api = HERE) -> None:
    """Show a site."""
    _tell(ask(api, "GET", _path(site)))


def _set(
    site: Site,
    facts: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="address, time_zone, point")],
    *,
    api: Api = HERE,
) -> None:
    """Say where a site is; one of that name is made if there is none. What is not said stays."""
    said = read(facts, FACTS)
    seen = ask(api, "GET", _path(site), or_none=True)
    headers = {"If-Match": f'"{seen["version"]}"'} if seen else {}
    _tell(ask(api, "PUT", _path(site), json={**_standing(seen), **said}, headers=headers))


def _standing(site: dict[str, Any] | None) -> dict[str, Any]:
    if site is None:
        return {}
    given = {name: site[f"given_{name}"] for name in ("latitude", "longitude")}
    point = {**given, "datum": site["datum"]} if site["datum"] else None
    return {"address": site["address"], "time_zone": site["time_zone"], "point": point}


def _firm(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="What it is called from now on.")] = None,
    *,
    api: Api = HERE,
) -> None:
    """What the firm is called; with NAME, from now on."""
    said = ask(api, "GET", "/api/tenant") if name is None else ask(api, "PUT", "/api/tenant", json={"name": name})
    typer.echo(f"{said['tenant']}\t{said['name']}")


def _tell(site: dict[str, Any]) -> None:
    for name in ("name", "address", "time_zone", "given_latitude", "given_longitude", "datum"):
        if site.get(name) not in (None, ""):
            typer.echo(f"{name:>15}  {site[name]}")


def _path(site: str) -> str:
    return f"/api/sites/{in_path(site)}"
