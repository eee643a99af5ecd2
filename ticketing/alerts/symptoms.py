"""A finding becomes a symptom: the catalogue says which fault family its rule speaks of, and how bad that is."""

from devices.errors import UnknownClassError
from devices.model import Catalogue, LevelRule, OnTimeRule
from ticketing.alerts.errors import UnknownRuleError
from ticketing.alerts.model import Waiting
from ticketing.model import Severity, Symptom


def symptom_of(finding: Waiting, catalogue: Catalogue) -> Symptom:
    """Raises UnknownClassError, UnknownRuleError."""
    appliance = catalogue.get(finding.class_id)
    if appliance is None:
        raise UnknownClassError(finding.class_id, sorted(catalogue))
    rules: tuple[LevelRule | OnTimeRule, ...] = (*appliance.levels, *appliance.on_times)
    families = {rule.rule: rule.family for rule in rules}
    if finding.rule not in families:
        raise UnknownRuleError(finding.rule, finding.class_id)
    family = appliance.family(families[finding.rule])
    return Symptom(
        tenant_id=finding.tenant_id,
        device_no=finding.device_no,
        rule=finding.rule,
        family=family.family_id,
        severity=Severity(family.severity),
        metric=finding.metric,
        observed=finding.observed,
        expected=finding.expected,
        since=finding.since,
        at=finding.at,
        evidence=finding.evidence,
    )
