"""Some thousand rows of a file at once: decided beside what is registered, written with one statement a kind."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from devices import registry
from devices.amend import said as log_of
from devices.imports import decide, store
from devices.imports.decide import Book, dialled
from devices.imports.model import Change, Fault, Known, MeanwhileError, Said, Standing
from devices.imports.store import Lines
from devices.model import Customer, Device, DeviceState
from ledger.ids import uuid7
from ledger.model import Scope


@dataclass(kw_only=True)
class Batch:
    """`book` lives as long as the file; what is gathered here is written by `write`."""

    conn: Connection[Any]
    by: Scope
    now: datetime
    import_id: UUID
    book: Book = field(default_factory=Book)
    customers: list[Customer] = field(default_factory=list)
    new: dict[str, Device] = field(default_factory=dict)
    changed: dict[str, Device] = field(default_factory=dict)
    owned: dict[str, UUID] = field(default_factory=dict)  # by device
    numbers: dict[str, int] = field(default_factory=dict)  # of what was new or changed, by id
    lines: Lines = field(default_factory=Lines)
    behind: list[Said] = field(default_factory=list)  # a gateway, which has to be registered first
    standing: set[int] = field(default_factory=set)  # of those behind one, which were registered before
    free: dict[int, str] = field(default_factory=dict)  # ids of those that stand behind none any more
    unchanged: int = 0
    updated: int = 0

    def decide(self, rows: list[Said]) -> Iterator[Fault | Change]:
        tenant_id = self.by.tenant_id
        standing = store.list_standing(self.conn, tenant_id, [said.device_id for said in rows])
        serials = store.list_serials(self.conn, tenant_id, [(said.model, said.serial) for said in rows])
        self._read_known(rows)
        for said in rows:
            taken = decide.taken_by(said, serials)
            if taken is not None:
                yield taken
            elif said.device_id in standing:
                yield from self._known_device(said, standing[said.device_id])
            else:
                yield from self._new_device(said)

    def write(self) -> None:
        """Raises MeanwhileError."""
        tenant_id = self.by.tenant_id
        if self.customers:
            store.insert_customers(self.conn, tenant_id, self.customers)
        sites = {device.site for device in (*self.new.values(), *self.changed.values()) if device.site}
        if sites:
            for name in store.insert_sites(self.conn, tenant_id, sorted(sites)):
                self.lines.add("site.registered", name, {"import": str(self.import_id)})
        if self.new:
            self.numbers.update(store.insert_devices(self.conn, tenant_id, list(self.new.values()), self.now))
            _refuse_lost(self.new, set(self.numbers))
        if self.changed:
            _refuse_lost(self.changed, store.update_devices(self.conn, list(self.changed.values())))
        if self.owned:
            owners = {self.numbers[device_id]: customer_id for device_id, customer_id in self.owned.items()}
            store.start_ownerships(self.conn, tenant_id, owners, self.now)
        if self.lines.kinds:
            self.lines.append(self.conn, self.by, self.now)

    def _read_known(self, rows: list[Said]) -> None:
        people = [said.owner for said in rows if said.owner]
        emails = [person.email.lower() for person in people if person.email]
        phones = [dialled(person.phone) for person in people if person.phone]
        if emails or phones:
            store.read_known(self.conn, self.by.tenant_id, self.book, emails, phones)

    def _new_device(self, said: Said) -> Iterator[Fault]:
        state, owner = decide.first_state(said), decide.owner_of(said, self.book)
        faults = [each for each in (state, owner) if isinstance(each, Fault)]
        if faults:
            yield from faults
            return
        assert isinstance(state, DeviceState)
        customer_id = self._customer_id(said, owner if isinstance(owner, Known) else None)
        device = Device(
            device_no=0,
            device_id=said.device_id,
            tenant_id=self.by.tenant_id,
            class_id=said.class_id,
            model=said.model,
            serial=said.serial,
            customer_id=customer_id,
            place=said.place or "",
            region=said.region or "",
            label_token=registry.new_label(),
            registered_at=self.now,
            site=said.site,
            state=state,
            made_on=said.made_on,
            bought_on=said.bought_on,
            installed_on=said.installed_on,
            **registry.pointed(said.point),
        )
        self.new[said.device_id] = device
        if said.gateway is not None:
            self.behind.append(said)
        data = {"class_id": said.class_id, "import": str(self.import_id)}
        self.lines.add("device.registered", said.device_id, data)
        if customer_id is not None:
            self.owned[said.device_id] = customer_id

    def _known_device(self, said: Said, standing: Standing) -> Iterator[Fault | Change]:
        owner = None if decide.is_owner(standing, said) else decide.owner_of(said, self.book)
        known = owner if isinstance(owner, Known) else None
        claims = False if isinstance(owner, Fault) else decide.claims(said, standing, known)
        faults = [*decide.faults_of(said, standing), *(each for each in (owner, claims) if isinstance(each, Fault))]
        if faults:
            yield from faults
            return
        different = decide.differences(said, standing)
        if not different and not claims:
            self.unchanged += 1
            return
        self.updated += 1
        self.numbers[said.device_id] = standing.device.device_no
        if "gateway" in said.clears & different.keys():
            self.free[standing.device.device_no] = said.device_id
        elif "gateway" in different:
            self.behind.append(said)
            self.standing.add(standing.device.device_no)
        self._change(said, standing.device, different, known, claims=bool(claims))
        yield decide.change_of(said, different, owner=bool(claims))

    def _change(
        self, said: Said, device: Device, different: dict[str, tuple[Any, Any]], known: Known | None, *, claims: bool
    ) -> None:
        changes = {name: now for name, (_, now) in different.items() if name not in ("point", "gateway")}
        if "point" in different:
            changes.update(registry.pointed(said.point))
        if claims:
            customer_id = self._customer_id(said, known)
            assert customer_id is not None
            changes.update(customer_id=customer_id, state=DeviceState.CLAIMED)
            self.owned[device.device_id] = customer_id
        if changes:
            self.changed[device.device_id] = replace(device, **changes)
        was = {name: getattr(device, name) for name in changes if name not in ("customer_id", "state")}
        if was:
            data = {**log_of(was), "import": str(self.import_id)}
            self.lines.add("device.amended", device.device_id, data)
        if claims:
            data = {"from": device.state, "customer_id": str(changes["customer_id"]), "import": str(self.import_id)}
            self.lines.add("device.claimed", device.device_id, data)

    def _customer_id(self, said: Said, known: Known | None) -> UUID | None:
        """Of the one who is known, or of somebody new; None where the row names nobody."""
        person = said.owner
        if known is not None or person is None:
            return known.customer_id if known else None
        assert person.name is not None
        customer = Customer(
            customer_id=uuid7(self.now),
            tenant_id=self.by.tenant_id,
            name=person.name,
            language=person.language or "en",
            time_zone=person.time_zone or "UTC",
            email=person.email,
            phone=person.phone,
        )
        self.customers.append(customer)
        self.book.write(Known(customer_id=customer.customer_id, name=customer.name), person.email, person.phone)
        self.lines.add("customer.registered", customer.customer_id, {"import": str(self.import_id)})
        return customer.customer_id


def _refuse_lost(asked: dict[str, Device], there: set[str]) -> None:
    lost = sorted(asked.keys() - there)
    if lost:
        raise MeanwhileError(lost)
