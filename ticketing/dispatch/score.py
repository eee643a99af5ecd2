"""Who should go: hard filters with reason codes, then one cost in minutes, the same answer every time.

There is no map yet, so a region stands for the road, and the minutes below are estimates to be replaced by measured
ones: they only have to be in proportion.
"""

from collections.abc import Iterable

from devices.model import ApplianceClass
from ticketing.dispatch.model import Candidate, Cost, LeftOut, LeftOutReason, Need, Ranking, Standing
from ticketing.model import UNSPECIFIED, Severity

TRAVEL_HOME_MIN = 20  # within the region an engineer starts from
TRAVEL_AWAY_MIN = 45  # to another region of theirs
OPEN_TICKET_MIN = 60  # how much later a held ticket makes the next visit
LEVEL_MIN = 15  # a level too many is somebody's else's emergency, a level too few a slower repair
KNOWS_DEVICE_MIN = -30  # has repaired this very appliance: less to find out
NEEDED_LEVEL = {Severity.MINOR: 1, Severity.MAJOR: 2, Severity.CRITICAL: 3}


def need_of(appliance: ApplianceClass, family: str, severity: Severity, region: str) -> Need:
    """What nobody has classified needs whoever mends this class of appliance."""
    skill = appliance.families[0].skill if family == UNSPECIFIED else appliance.family(family).skill
    return Need(region=region, skill=skill, severity=severity)


def propose(need: Need, standings: Iterable[Standing], limit: int = 3) -> Ranking:
    """The `limit` cheapest, and everybody who was left out. Equal costs: the lighter load, then the slug."""
    candidates, left_out = [], []
    for standing in standings:
        reasons = _reasons_against(need, standing)
        if reasons:
            left_out.append(_left_out(standing, reasons))
        else:
            candidates.append(_candidate(need, standing))
    candidates.sort(key=lambda candidate: (candidate.minutes, candidate.load, candidate.slug))
    left_out.sort(key=lambda out: out.slug)
    return Ranking(ranked=tuple(candidates[:limit]), left_out=tuple(left_out))


def _reasons_against(need: Need, standing: Standing) -> tuple[LeftOutReason, ...]:
    engineer = standing.engineer
    failed = {
        LeftOutReason.REGION: need.region not in engineer.regions,
        LeftOutReason.SKILL: need.skill not in engineer.skills,
        LeftOutReason.LOAD: standing.load >= engineer.load_cap,
    }
    return tuple(reason for reason, holds in failed.items() if holds)


def _candidate(need: Need, standing: Standing) -> Candidate:
    engineer = standing.engineer
    at_home = engineer.regions[0] == need.region
    costs = (
        Cost(term="travel", minutes=TRAVEL_HOME_MIN if at_home else TRAVEL_AWAY_MIN),
        Cost(term="load", minutes=OPEN_TICKET_MIN * standing.load),
        Cost(term="level", minutes=LEVEL_MIN * abs(engineer.level - NEEDED_LEVEL[need.severity])),
        Cost(term="familiarity", minutes=KNOWS_DEVICE_MIN if standing.visits_here else 0),
    )
    return Candidate(
        engineer_id=engineer.engineer_id,
        slug=engineer.slug,
        name=engineer.name,
        load=standing.load,
        minutes=sum(cost.minutes for cost in costs),
        costs=costs,
    )


def _left_out(standing: Standing, reasons: tuple[LeftOutReason, ...]) -> LeftOut:
    engineer = standing.engineer
    return LeftOut(engineer_id=engineer.engineer_id, slug=engineer.slug, name=engineer.name, reasons=reasons)
