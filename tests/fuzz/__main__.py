"""Fuzzes one target (see `make fuzz`).

Bytes, with Atheris: `python -m fuzz jsonl -max_total_time=60`; options are libFuzzer's.
Whole inputs, counted in cases: `python -m fuzz landings CASES=10000 SEED=1`.
"""

import sys
from importlib import import_module
from pathlib import Path

CASES = {"landings": ("fuzz.landings.run", 10_000), "tables": ("fuzz.tables", 300)}
"""Targets of whole inputs: the module with `run(cases, seed)`, which returns how many failed, and the cases by default."""
BYTES = ("delimited", "gzipped", "jsonl", "parquet", "mapping")


def main() -> None:
    """Fuzz the target named first."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name in CASES:
        module, cases = CASES[name]
        given = dict(option.partition("=")[::2] for option in sys.argv[2:])
        failed = import_module(module).run(int(given.get("CASES") or cases), int(given.get("SEED") or 1))
        sys.exit(1 if failed else 0)
    if name not in BYTES:
        sys.exit(
            f"usage: python -m fuzz {{{'|'.join(CASES)}}} [CASES=n] [SEED=n] | {{{'|'.join(BYTES)}}} [libFuzzer's options]"
        )
    _fuzz_bytes(name)


def _fuzz_bytes(name: str) -> None:
    """Write the target's seeds beside what earlier runs have found worth keeping, and fuzz."""
    import atheris

    with atheris.instrument_imports(include=["customer_behavior.ingest"]):
        from fuzz.targets import TARGETS

    from fuzz.seeds import FOUND, SEEDS

    corpus = Path(".run") / "fuzz-corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name] + FOUND.get(name, [])):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [f"-artifact_prefix={corpus.parent}/{name}-", "-timeout=20", "-rss_limit_mb=4096", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], str(corpus), *options, *sys.argv[2:]], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
