"""Fuzzes one target with Atheris (see `make fuzz`): `python -m fuzz jsonl -max_total_time=60`; options are libFuzzer's."""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["customer_behavior.ingest"]):
    from fuzz.targets import TARGETS

from fuzz.seeds import FOUND, SEEDS


def main() -> None:
    """Write the target's seeds beside what earlier runs have found worth keeping, and fuzz."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: python -m fuzz {{{'|'.join(TARGETS)}}} [libFuzzer's options]")
    name = sys.argv[1]
    corpus = Path(".run") / "fuzz-corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name] + FOUND.get(name, [])):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [f"-artifact_prefix={corpus.parent}/{name}-", "-timeout=20", "-rss_limit_mb=4096", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], str(corpus), *options, *sys.argv[2:]], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
