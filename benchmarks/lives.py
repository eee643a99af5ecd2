"""What it costs to live, without a word sent: `python -m benchmarks.lives --devices 1000 --days 30`.

CPU seconds of one core for a fleet of all classes in equal parts, who live together as with `foremend fleet generate`.
"""

import argparse
import json
import time

from simulators.classes import FAULTS, plant, together
from simulators.generate import START, start_ms_of
from simulators.model import Unit


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lives", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--days", type=int, default=30)
    given = parser.parse_args()
    classes = list(FAULTS)
    fleet = [classes[seed % len(classes)] for seed in range(given.devices)]
    took_s: dict[str, float] = {}
    for seeds in together(fleet):
        class_ids = [fleet[seed] for seed in seeds]
        begin_s = time.process_time()
        lives = plant(class_ids, [Unit(seed=seed) for seed in seeds], start_ms_of(START))
        for _ in range(given.days):
            lives.advance(1440)
        took_s["+".join(dict.fromkeys(class_ids))] = round(time.process_time() - begin_s, 1)
    print(json.dumps({"cpu_s": round(sum(took_s.values()), 1), "by_classes": took_s}))


if __name__ == "__main__":
    main()
