"""SIGKILL, again and again, while devices publish."""

import random
import time

from benchmarks.faults.hands import Worker
from benchmarks.faults.trial import Row, Trial, an_order, environment


def worker(trial: Trial, *, kills: int, rate: float) -> Row:
    """At seeded moments, mostly in the midst of a batch; the next one starts at once."""
    ours, chance = trial.ours, random.Random(5)  # noqa: S311
    trial.begin()
    running = Worker(environment(ours))
    load = trial.load(an_order(kills * 0.6 + 1.0, rate), speaks_s=0.0)
    for kill in range(kills):
        time.sleep(chance.uniform(0.2, 0.8))
        running.kill()
        running = Worker(environment(ours))
        trial.say(f"worker killed, {kill + 1} of {kills}")
    with trial.working(running):
        trial.catch_up()
        return trial.settle(f"{kills} kills at {rate:,.0f} messages/s", ours.sent(load))


def broker(trial: Trial, *, kills: int, rate: float) -> Row:
    """NATS, which is the log as well; devices connect again and send again what was not acknowledged."""
    ours, chance = trial.ours, random.Random(6)  # noqa: S311
    trial.begin()
    running = Worker(environment(ours))
    with trial.working(running):
        load = trial.load(an_order(kills * 1.5 + 0.5, rate), speaks_s=0.0)
        for kill in range(kills):
            time.sleep(chance.uniform(0.3, 1.3))
            ours.nats.process.kill()
            ours.nats.start()
            trial.say(f"broker killed, {kill + 1} of {kills}")
        trial.catch_up()
        return trial.settle(f"{kills} kills at {rate:,.0f} messages/s", ours.sent(load))
