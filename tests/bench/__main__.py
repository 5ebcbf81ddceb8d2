"""`make bench [ARGS="ingest …"]`: run the benchmarks, print a table, write `.run/bench.json`."""

from __future__ import annotations

import argparse
import json
import sys

from bench.measure import Machine
from bench.suite import BENCHMARKS, figures
from customer_behavior.paths import REPO_DIR


def main() -> None:
    """Run the benchmarks that were named, all by default."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all by default")
    asked = parser.parse_args().names or list(BENCHMARKS)
    unknown = sorted(set(asked) - set(BENCHMARKS))
    if unknown:
        sys.exit(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    found = []
    with Machine() as machine:
        print(f"{', '.join(asked)} …", flush=True)
        for figure in figures(machine, asked):
            found.append(figure)
            print(f"{figure.name}: {figure.sentence()}", flush=True)
    path = REPO_DIR / ".run" / "bench.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([figure.as_dict() for figure in found], indent=2) + "\n")
    print(f"written to {path.relative_to(REPO_DIR)}")


main()
