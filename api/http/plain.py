"""What was noticed, in plain words: for the customer, the desk and the engineer alike."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from api.http import when
from api.texts import say, speaks
from devices.model import ApplianceClass
from ticketing.alerts.model import Alert


def noticed(language: str, alert: Alert, appliance: ApplianceClass, now: datetime, zone: ZoneInfo) -> str:
    """`Since yesterday evening your refrigerator's compressor has been running 34 minutes at a time instead of 21.`"""
    return _told("noticed.", language, alert, appliance, now, zone)


def seen(language: str, alert: Alert, appliance: ApplianceClass, now: datetime, zone: ZoneInfo) -> str:
    """The same for staff, who read it beside the appliance's name."""
    return _told("seen.", language, alert, appliance, now, zone)


def _told(group: str, language: str, alert: Alert, appliance: ApplianceClass, now: datetime, zone: ZoneInfo) -> str:
    return say(
        language,
        f"{group}{measure_of(alert.evidence)}",
        since=when.since(language, alert.since, now, zone),
        appliance=appliance_word(language, appliance),
        metric=metric_word(language, appliance, alert.metric),
        observed=amount(alert.observed, alert.evidence, appliance, alert.metric),
        expected=amount(alert.expected, alert.evidence, appliance, alert.metric),
    )


def measure_of(evidence: dict[str, Any]) -> str:
    """The measure of a compressor that a finding speaks of, or `level` for a metric itself."""
    measure = str(evidence.get("measure", "level"))
    return measure if speaks("en", f"noticed.{measure}") else "level"


def amount(value: float, evidence: dict[str, Any], appliance: ApplianceClass, metric: str) -> str:
    """As exact as a person can use it; a level carries its unit, the other sentences say theirs."""
    measure = measure_of(evidence)
    if measure == "level":
        unit = str(evidence.get("unit", appliance.metric(metric).unit))
        return f"{value:.1f} {unit}" if unit != "1" else f"{value:.2f}"
    return f"{value:.1f}" if measure == "starts_per_hour" else f"{value:.0f}"


def with_unit(value: float, evidence: dict[str, Any], appliance: ApplianceClass, metric: str) -> str:
    """For tables, where no sentence says the unit."""
    said = amount(value, evidence, appliance, metric)
    return said if measure_of(evidence) == "level" else f"{said} {evidence.get('unit', '')}"


def appliance_word(language: str, appliance: ApplianceClass) -> str:
    """The class as a word inside a sentence."""
    return _inside(language, appliance.title[language])


def metric_word(language: str, appliance: ApplianceClass, metric: str) -> str:
    return _inside(language, appliance.metric(metric).title[language])


def family_word(language: str, appliance: ApplianceClass, family_id: str) -> str:
    """A family's title from the catalogue; `unspecified` and families that the catalogue has lost, from the texts."""
    titles = {family.family_id: family.title[language] for family in appliance.families}
    return titles.get(family_id) or say(language, "family.unspecified")


def is_safety(appliance: ApplianceClass, family_id: str) -> bool:
    """Whether a fault of that family is a danger to people or the house."""
    return any(family.safety for family in appliance.families if family.family_id == family_id)


def fault_word(language: str, appliance: ApplianceClass, family_id: str) -> str:
    """The family as words inside a sentence."""
    return _inside(language, family_word(language, appliance, family_id))


def _inside(language: str, title: str) -> str:
    """A title where no sentence begins."""
    return title[:1].lower() + title[1:] if language == "en" else title
