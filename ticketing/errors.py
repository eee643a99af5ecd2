"""Errors of ticketing; ids are attributes, the sentence is for a person."""

from uuid import UUID


class TicketingError(Exception):
    """Root of the room's errors."""


class NotFoundError(TicketingError):
    def __init__(self, what: str, identifier: UUID | str) -> None:
        super().__init__(f"there is no {what} {identifier}")
        self.what, self.identifier = what, identifier


class StaleVersionError(TicketingError):
    """Somebody changed it since the page was made."""

    def __init__(self, seen: int, current: int) -> None:
        super().__init__(f"it has changed since you looked: you saw version {seen}, now it is {current}")
        self.seen, self.current = seen, current


class IllegalTransitionError(TicketingError):
    def __init__(self, state: str, to: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"a ticket that is {state} cannot become {to}; allowed: {', '.join(allowed) or 'nothing'}")
        self.state, self.to, self.allowed = state, to, allowed


class AlreadyOpenError(TicketingError):
    """The device has an open ticket of this fault family; a second one would be a duplicate."""

    def __init__(self, number: str) -> None:
        super().__init__(f"ticket {number} is open for the same device and fault")
        self.number = number


class NoEngineerError(TicketingError):
    """Accepted means that somebody goes; here nobody was proposed and nobody was named."""

    def __init__(self, number: str) -> None:
        super().__init__(f"nobody was proposed for ticket {number}; name the engineer who accepts it")
        self.number = number


class BadAnswerError(TicketingError):
    """A "no" needs a reason, and nothing else has one."""


class ReportRefusedError(TicketingError):
    """The gate said fail. `codes` are the reasons."""

    def __init__(self, codes: tuple[str, ...]) -> None:
        super().__init__(f"the report cannot be taken: {', '.join(codes)}")
        self.codes = codes
