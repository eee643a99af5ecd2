"""What a program can do with the registry stands beside how a person does it, and the other way round."""

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from fastapi.routing import APIRoute
from typer.main import get_command

from api import cli
from api.http.rest import catalogue, claims, credentials, customers, devices, imports, lifecycle, sites, twins

TABLE = (Path(__file__).parents[2] / "docs/reference/commands.md").read_text(encoding="utf-8")
ROUTERS = (catalogue, claims, credentials, customers, devices, imports, lifecycle, sites, twins)
GROUPS = {"catalogue", "claim", "command", "credentials", "customers", "devices", "label", "sites", "twin"}
OF_REPLAYS = "PUT /devices/{device_id}/recordings/{sha256}"  # foremend replay says it, for itself


def test_every_act_on_the_registry_stands_in_the_table_by_command_and_by_route() -> None:
    said = set(re.findall(r"`([^`]+)`", TABLE))
    app = typer.Typer()
    app.callback()(lambda: None)
    for module in pkgutil.iter_modules(cli.__path__):
        if module.name in GROUPS:
            import_module(f"{cli.__name__}.{module.name}").register(app)
    commands = set(_commands(get_command(app)))
    routes = {
        f"{method} {route.path.replace(':path}', '}')}"
        for module in ROUTERS
        for route in module.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert commands - said == set()
    assert routes - said == {OF_REPLAYS}
    assert {each for each in said if each.split()[0] in GROUPS} - commands == set()


def _commands(command: Any, before: str = "") -> Iterator[str]:
    for name, each in command.commands.items():
        path = f"{before} {name}".strip()
        yield from _commands(each, path) if hasattr(each, "commands") else [path]
