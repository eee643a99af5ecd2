"""Errors of the alerts."""

from ticketing.errors import TicketingError


class UnknownRuleError(TicketingError):
    def __init__(self, rule: str, class_id: str) -> None:
        super().__init__(f"class {class_id!r} has no rule {rule!r}")
        self.rule, self.class_id = rule, class_id
