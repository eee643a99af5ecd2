"""What a row means beside what is registered: a new device, a change, nothing, or a fault."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from devices.imports.model import Change, Code, Fault, Known, Person, Said, Standing
from devices.lifecycle.transitions import ALLOWED
from devices.model import DeviceState

FACTS = ("model", "serial", "place", "region", "made_on", "bought_on", "installed_on", "site")
_WORDS = ("place", "region")  # which are empty where others are not there
_PERSONAL = ("email", "phone", "name")
_FIRST = (DeviceState.MADE, DeviceState.CLAIMED, DeviceState.ACTIVE)  # a device does not begin as anything else


@dataclass(frozen=True, kw_only=True)
class Book:
    """Customers by address; grows while a file is read, so that two of its rows may name one new customer."""

    by_email: dict[str, Known] = field(default_factory=dict)
    by_phone: dict[str, Known] = field(default_factory=dict)

    def write(self, known: Known, email: str | None, phone: str | None) -> None:
        if email:
            self.by_email[email.lower()] = known
        if phone and len(dialled(phone)) >= MIN_DIGITS:
            self.by_phone[dialled(phone)] = known

    def find(self, person: Person) -> set[Known]:
        by_email = self.by_email.get(person.email.lower()) if person.email else None
        by_phone = self.by_phone.get(dialled(person.phone)) if person.phone else None
        return {known for known in (by_email, by_phone) if known is not None}


MIN_DIGITS = 5  # fewer are nobody's number


def dialled(phone: str) -> str:
    """What is dialled, however it was written."""
    return "".join(letter for letter in phone if letter in "0123456789+")


def owner_of(said: Said, book: Book) -> Known | Fault | None:
    """The customer whom the row means; None: somebody new, or nobody is named."""
    person = said.owner
    if person is None:
        return None
    found = book.find(person)
    if len(found) > 1:
        return Fault(row=said.row, column="customer_email", code=Code.TWO_CUSTOMERS)
    if not found:
        return None if person.name else Fault(row=said.row, column="customer_name", code=Code.MISSING)
    (known,) = found
    if person.name and person.name.casefold() != known.name.casefold():
        return Fault(row=said.row, column="customer_name", code=Code.OTHER_NAME, value=known.name)
    return known


def first_state(said: Said) -> DeviceState | Fault:
    """Of a device that is not registered yet."""
    if said.state is not None and said.state not in _FIRST:
        return Fault(row=said.row, column="state", code=Code.BAD_STATE, value=said.state)
    owned = DeviceState.CLAIMED if said.owner else DeviceState.MADE
    return said.state if said.state is DeviceState.ACTIVE else owned


def is_owner(standing: Standing, said: Said) -> bool:
    """Whether the row names the owner that there is: nothing that it says of him is otherwise."""
    owner, person = standing.owner, said.owner
    if owner is None or person is None:
        return owner is None and person is None
    return all(_same(name, getattr(owner, name), getattr(person, name)) for name in _PERSONAL)


def _same(name: str, known: str | None, said: str | None) -> bool:
    if said is None:
        return True
    if name == "phone":
        return dialled(known or "") == dialled(said)
    return (known or "").casefold() == said.casefold()


def faults_of(said: Said, standing: Standing) -> list[Fault]:
    """What no import may do to a device that is there."""
    device, found = standing.device, []
    if said.class_id != device.class_id:
        found.append(Fault(row=said.row, column="class", code=Code.OTHER_CLASS, value=device.class_id))
    if said.state not in (None, device.state):
        found.append(Fault(row=said.row, column="state", code=Code.OTHER_STATE, value=device.state))
    return found


def claims(said: Said, standing: Standing, known: Known | None) -> bool | Fault:
    """Whether the row gives the device its owner; a device that has one changes hands by being resold."""
    if said.owner is None or is_owner(standing, said):
        return False
    device = standing.device
    if device.customer_id is not None:
        same = known is not None and known.customer_id == device.customer_id
        return False if same else Fault(row=said.row, column="customer_name", code=Code.OTHER_OWNER)
    if DeviceState.CLAIMED not in ALLOWED[device.state]:
        return Fault(row=said.row, column="customer_name", code=Code.OTHER_STATE, value=device.state)
    return True


def differences(said: Said, standing: Standing) -> dict[str, tuple[Any, Any]]:
    """By column what it is and what it is said to be; what is not said does not differ."""
    device = standing.device
    found = {name: (getattr(device, name), getattr(said, name)) for name in FACTS}
    if said.point is not None:
        was = (device.given_latitude, device.given_longitude, device.datum)
        found["point"] = (was, (said.point.latitude, said.point.longitude, said.point.datum))
    if said.gateway is not None:
        found["gateway"] = (standing.gateway, said.gateway)
    different = {name: pair for name, pair in found.items() if pair[1] is not None and pair[0] != pair[1]}
    return different | {name: pair for name, pair in _cleared(said, standing) if pair[0] != pair[1]}


def _cleared(said: Said, standing: Standing) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for name in said.clears:
        if name == "point":
            point = (standing.device.given_latitude, standing.device.given_longitude, standing.device.datum)
            yield name, (point, (None, None, None))
        elif name == "gateway":
            yield name, (standing.gateway, None)
        else:
            yield name, (getattr(standing.device, name), "" if name in _WORDS else None)


def change_of(said: Said, different: dict[str, tuple[Any, Any]], *, owner: bool) -> Change:
    columns = {name: (_shown(was), _shown(now)) for name, (was, now) in different.items()}
    if owner:
        assert said.owner is not None
        columns["customer"] = ("", said.owner.name or said.owner.phone or said.owner.email or "")
    return Change(row=said.row, device_id=said.device_id, columns=columns)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value)) if value[0] is not None else ""
    return "" if value is None else str(value)


def taken_by(said: Said, serials: dict[tuple[str, str], str]) -> Fault | None:
    """`serials`: whose the serial of a model is."""
    other = serials.get((said.model, said.serial), said.device_id)
    if other == said.device_id:
        return None
    return Fault(row=said.row, column="serial", code=Code.SERIAL_TAKEN, value=other)
