"""Wrong passwords are limited for each pair of name and address, so that guessing from elsewhere locks nobody out."""

from collections import OrderedDict
from dataclasses import dataclass

AT_ONCE = 10  # wrong passwords, before none is looked at
EVERY_S = 10.0  # after which one more is looked at
MOST = 50_000  # pairs that are remembered; the one that guessed longest ago is forgotten first


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


class Guesses:
    """A bucket of wrong passwords for each (name, address); only who guessed has one. `now_s` is any clock that goes
    on."""

    def __init__(self, at_once: int = AT_ONCE, every_s: float = EVERY_S, most: int = MOST) -> None:
        self._at_once, self._every_s, self._most = at_once, every_s, most
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def limited(self, name: str, address: str, now_s: float) -> bool:
        bucket = self._buckets.get((name, address))
        return bucket is not None and self._fill(bucket, now_s) < 1

    def wrong(self, name: str, address: str, now_s: float) -> None:
        bucket = self._buckets.pop((name, address), None) or _Bucket(self._at_once, now_s)
        bucket.left, bucket.at_s = self._fill(bucket, now_s) - 1, now_s
        self._buckets[name, address] = bucket
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)

    def _fill(self, bucket: _Bucket, now_s: float) -> float:
        return min(self._at_once, bucket.left + (now_s - bucket.at_s) / self._every_s)
