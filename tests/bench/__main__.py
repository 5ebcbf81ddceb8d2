"""`make bench [ARGS="ingest …"]`: run the benchmarks, print a table, write `.run/bench.json`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

from bench import ingest, score, snapshot
from bench.measure import Figure, Machine
from customer_behavior.paths import REPO_DIR

BENCHMARKS: dict[str, Callable[[Machine], Figure]] = {
    "ingest": ingest.speed,
    "ingest_memory": ingest.memory,
    "ingest_day_growth": ingest.day_growth,
    "snapshot": snapshot.speed,
    "snapshot_growth": snapshot.growth,
    "snapshot_memory": snapshot.memory,
    "score": score.speed,
    "score_memory": score.memory,
    "score_write": score.write,
}


def main() -> None:
    """Run the benchmarks that were named, all by default."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all by default")
    asked = parser.parse_args().names or list(BENCHMARKS)
    unknown = sorted(set(asked) - set(BENCHMARKS))
    if unknown:
        sys.exit(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    figures = []
    with Machine() as machine:
        for name in asked:
            print(f"{name} …", flush=True)
            figures.append(BENCHMARKS[name](machine))
            print(f"  {figures[-1].sentence()}", flush=True)
    path = REPO_DIR / ".run" / "bench.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([figure.as_dict() for figure in figures], indent=2) + "\n")
    print(f"written to {path.relative_to(REPO_DIR)}")


main()
