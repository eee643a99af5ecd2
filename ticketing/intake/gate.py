"""What each step says of a report: pass, warn or fail, with a reason code. A warning is shown, a failure refuses."""

from dataclasses import replace

from devices.warranty.model import Standing
from ticketing.intake.model import MAX_CONTACT, MAX_WORDS, MOST_AN_HOUR, Outcome, Report, Step
from ticketing.wording import clean


def cleaned(report: Report) -> Report:
    """As it can be kept. What is cut is beyond any sentence a person types."""
    serial = clean(report.serial, MAX_CONTACT) if report.serial else None
    words, contact = clean(report.words, MAX_WORDS), clean(report.contact, MAX_CONTACT)
    return replace(report, words=words, contact=contact, serial=serial)


def steps(report: Report, *, lately: int, warranty: Standing) -> tuple[Step, ...]:
    """Of a cleaned report; idempotency was settled at the door, duplicates come last. `lately`: how many reports on
    the device came within the last hour."""
    return (_identity(report), _asset(report), _warranty(warranty), _content(report), _pace(lately))


def duplicates(*, ticket_open: bool, answers: bool) -> Step:
    if ticket_open:
        return Step(step="duplicates", outcome=Outcome.WARN, code="TICKET_OPEN")
    return Step(step="duplicates", outcome=Outcome.PASS, code="ANSWERS_QUESTION" if answers else "NEW")


def _identity(report: Report) -> Step:
    known = report.device.customer_id is not None
    outcome = Outcome.PASS if known else Outcome.WARN
    return Step(step="identity", outcome=outcome, code="OWNED" if known else "NO_OWNER")


def _asset(report: Report) -> Step:
    if report.serial is None:
        return Step(step="asset", outcome=Outcome.PASS, code="BY_LABEL")
    same = report.serial.casefold() == report.device.serial.casefold()
    return Step(
        step="asset",
        outcome=Outcome.PASS if same else Outcome.WARN,
        code="SERIAL_MATCHES" if same else "SERIAL_DIFFERS",
    )


def _warranty(standing: Standing) -> Step:
    """A visit may cost money where it has ended; nobody is turned away for that."""
    return Step(
        step="warranty",
        outcome=Outcome.WARN if standing is Standing.ENDED else Outcome.PASS,
        code=f"WARRANTY_{standing}",
    )


def _pace(lately: int) -> Step:
    """A label hangs where everybody can scan it: whoever does so all day fills a ticket and a disk."""
    many = lately >= MOST_AN_HOUR
    return Step(step="pace", outcome=Outcome.FAIL if many else Outcome.PASS, code="TOO_MANY" if many else "FEW")


def _content(report: Report) -> Step:
    if report.words:
        return Step(step="content", outcome=Outcome.PASS, code="WORDS")
    if report.photo is not None:
        return Step(step="content", outcome=Outcome.WARN, code="PHOTO_ONLY")
    return Step(step="content", outcome=Outcome.FAIL, code="EMPTY")
