"""The ledger: of each message that a load published, where it is now, asked over a connection of its own."""

from dataclasses import dataclass

from api.bench.house import TENANT, House
from api.bench.order import Sent
from ledger.statements import Statements

_sql = Statements("api.bench")


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Readings, one a message unless it is an array. Of the acknowledged ones: `committed`, `refused`, `missing`.
    `duplicates`: rows of the record or of the refusals beyond one for each, whatever they say."""

    published: int
    acknowledged: int
    committed: int
    refused: int
    missing: int
    duplicates: int

    @property
    def balanced(self) -> bool:
        return self.acknowledged == self.committed + self.refused and not self.missing and not self.duplicates


def ledger(ours: House, sent: Sent) -> Ledger:
    names = {
        "tenant_id": TENANT,
        "device": [row["device"] for row in sent.keys],
        "first_ms": [row["first_ts_ms"] for row in sent.keys],
        "step_ms": [row["step_ms"] for row in sent.keys],
        "published": [row["published"] for row in sent.keys],
        "acknowledged": [row["acknowledged"] for row in sent.keys],
    }
    with ours.connect() as conn:
        conn.execute(_sql.count_sizes)
        committed, refused, missing, found = conn.execute(_sql.balance, names).fetchone() or (0, 0, 0, 0)
        (rows,) = conn.execute(_sql.count_kept, names).fetchone() or (0,)
    return Ledger(
        published=sent.published * sent.readings,
        acknowledged=sent.acknowledged * sent.readings,
        committed=committed,
        refused=refused,
        missing=missing,
        duplicates=rows - found,
    )
