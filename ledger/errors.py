"""Errors of the ledger; ids are attributes, the sentence is for a person."""


class LedgerError(Exception):
    """Root of the room's errors."""


class StatementMissingError(LedgerError):
    def __init__(self, name: str, file: str) -> None:
        super().__init__(f"no statement named {name!r} in {file}")
        self.name = name


class IdempotencyConflictError(LedgerError):
    """The key was used with another body (HTTP 422)."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the idempotency key {key!r} was used before with another body")
        self.key = key


class IdempotencyInFlightError(LedgerError):
    """The first request with this key is still running (HTTP 409, at once)."""

    def __init__(self, key: str) -> None:
        super().__init__(f"a request with the idempotency key {key!r} is still running; try again")
        self.key = key
