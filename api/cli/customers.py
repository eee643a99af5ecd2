"""`foremend customers`: who has devices, and who lives with them."""

from typing import Annotated, Any
from uuid import uuid4

import typer

from api.cli._api import ask, in_path
from api.cli._options import HERE, Api

CustomerId = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")]
MemberId = Annotated[str, typer.Argument(metavar="MEMBER", help="Another customer's id.")]
Name = Annotated[str | None, typer.Option("--name")]
Email = Annotated[str | None, typer.Option("--email", help="'' takes it away.")]
Phone = Annotated[str | None, typer.Option("--phone", help="'' takes it away.")]
Language = Annotated[str | None, typer.Option("--language", help="en or zh.")]
TimeZone = Annotated[str | None, typer.Option("--time-zone", help="Such as Europe/Berlin.")]


def register(app: typer.Typer) -> None:
    customers = typer.Typer(no_args_is_help=True, help="Customers and their households.")
    app.add_typer(customers, name="customers")
    for command in (_list, _show, _add, _amend, _household, _join, _leave):
        customers.command(command.__name__[1:])(command)


def _list(
    *,
    text: Annotated[str | None, typer.Option("--text", help="Only with this in name, mail or phone.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="At most so many.")] = 100,
    api: Api = HERE,
) -> None:
    """List customers: id, name, mail, phone."""
    asked = {"limit": limit, **({"text": text} if text else {})}
    for each in ask(api, "GET", "/api/customers", params=asked)["customers"]:
        typer.echo("\t".join(each[name] or "" for name in ("customer_id", "name", "email", "phone")))


def _show(customer: CustomerId, *, api: Api = HERE) -> None:
    """Show a customer."""
    _tell(ask(api, "GET", _path(customer)))


def _add(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    *,
    email: Email = None,
    phone: Phone = None,
    language: Language = None,
    time_zone: TimeZone = None,
    api: Api = HERE,
) -> None:
    """Whoever has this mail address or phone number, else a new customer."""
    said = _said(name=name, email=email or None, phone=phone or None, language=language, time_zone=time_zone)
    _tell(ask(api, "POST", "/api/customers", json=said, headers={"Idempotency-Key": str(uuid4())}))


def _amend(
    customer: CustomerId,
    *,
    name: Name = None,
    email: Email = None,
    phone: Phone = None,
    language: Language = None,
    time_zone: TimeZone = None,
    api: Api = HERE,
) -> None:
    """Correct what is known of a customer."""
    said = _said(name=name, email=email, phone=phone, language=language, time_zone=time_zone)
    said = {key: value or None if key in ("email", "phone") else value for key, value in said.items()}
    seen = ask(api, "GET", _path(customer))
    _tell(ask(api, "PATCH", _path(customer), json=said, headers={"If-Match": f'"{seen["version"]}"'}))


def _household(customer: CustomerId, *, api: Api = HERE) -> None:
    """Who belongs to a customer's household: id, role, name."""
    _members(ask(api, "GET", f"{_path(customer)}/household"))


def _join(
    customer: CustomerId,
    member: MemberId,
    *,
    role: Annotated[str, typer.Option("--role", help="OWNER or MEMBER.")] = "MEMBER",
    api: Api = HERE,
) -> None:
    """Another customer comes to a household."""
    _members(ask(api, "PUT", f"{_path(customer)}/household/{in_path(member)}", json={"role": role.upper()}))


def _leave(customer: CustomerId, member: MemberId, *, api: Api = HERE) -> None:
    """Somebody leaves a household; his links end."""
    ask(api, "DELETE", f"{_path(customer)}/household/{in_path(member)}")
    _household(customer, api=api)


def _said(**said: str | None) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}


def _tell(customer: dict[str, Any]) -> None:
    for name in ("customer_id", "name", "email", "phone", "language", "time_zone"):
        if customer[name]:
            typer.echo(f"{name:>11}  {customer[name]}")


def _members(said: dict[str, Any]) -> None:
    for each in said["members"]:
        typer.echo(f"{each['customer_id']}\t{each['role']}\t{each['name']}")


def _path(customer: str) -> str:
    return f"/api/customers/{in_path(customer)}"
