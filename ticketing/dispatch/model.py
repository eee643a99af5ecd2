"""Words of the dispatch: who could go, what the job needs, who is proposed and who was left out."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from ticketing.model import Severity


@dataclass(frozen=True, kw_only=True)
class Engineer:
    engineer_id: UUID
    tenant_id: str
    slug: str
    name: str
    regions: tuple[str, ...]  # the first one is home
    skills: tuple[str, ...]
    level: int  # 1..5
    load_cap: int  # open tickets that this person may hold


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An engineer at the moment of proposing."""

    engineer: Engineer
    load: int  # open tickets held or proposed
    visits_here: int  # tickets of the same device that this person resolved


@dataclass(frozen=True, kw_only=True)
class Need:
    region: str
    skill: str
    severity: Severity


class LeftOutReason(StrEnum):
    REGION = "REGION"
    SKILL = "SKILL"
    LOAD = "LOAD"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One term of the cost; negative minutes speak for the engineer."""

    term: str  # travel | load | level | familiarity
    minutes: int


@dataclass(frozen=True, kw_only=True)
class Candidate:
    engineer_id: UUID
    slug: str
    name: str
    load: int
    minutes: int  # sum of `costs`
    costs: tuple[Cost, ...]


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    engineer_id: UUID
    slug: str
    name: str
    reasons: tuple[LeftOutReason, ...]


@dataclass(frozen=True, kw_only=True)
class Ranking:
    ranked: tuple[Candidate, ...]  # cheapest first
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    proposal_id: UUID
    ticket_id: UUID
    at: datetime
    ranking: Ranking
