"""How the suite is spread over processes: which files are long, and what goes together."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

SECONDS = {
    "stack/test_chain.py": 500,
    "stack": 360,
    "stages/test_train_models.py": 200,
    "stages/test_fresh_champions.py": 60,
    "features/test_as_of.py": 290,
    "ingest/test_bad_input_random.py": 280,
    "dags/test_ingest_rules.py": 240,
    "dags/test_runs.py": 190,
    "ingest/test_bad_input.py": 160,
    "features/test_oracle.py": 120,
    "dags/test_object_store.py": 110,
    "ingest/test_values.py": 100,
    "targets/test_sampling.py": 90,
    "features/test_sessions.py": 90,
    "reporting/test_page.py": 85,
    "insights/test_price_threshold.py": 85,
    "ingest/test_orders.py": 75,
    "ingest/test_batches.py": 70,
    "insights/test_visits.py": 70,
    "maintenance/test_erasure_traces.py": 65,
    "ingest/dimensions/test_consent.py": 60,
    "simulator/test_plants.py": 60,
    "bench/test_suite.py": 60,
    "dags/test_policy.py": 55,
    "tracking/test_tracking.py": 55,
    "dags/test_report_page.py": 55,
    "training/test_core.py": 55,
    "dags/test_landed_files.py": 50,
    "ingest/test_history.py": 40,
    "scoring/test_scoring.py": 35,
    "simulator/test_delivery.py": 35,
    "marketing/test_publish.py": 35,
    "warehouse/test_faults.py": 35,
    "insights/test_peak_hours.py": 30,
    "fuzz/test_landings.py": 30,
    "fuzz/test_tables.py": 30,
    "training/test_table.py": 25,
    "training/test_new_target.py": 25,
    "training/test_conversion.py": 20,
    "training/test_tuning.py": 20,
}
"""Of files that take 20 s or more in a whole run. Others may be off by much: it is an order in which to begin, no more."""
OF_STACKS = ("stack/", "local/")


def file_of(nodeid: str) -> str:
    """Return a test's file below `tests`."""
    return nodeid.partition("::")[0].removeprefix("tests/")


def scope_of(nodeid: str) -> str:
    """Return what goes to one process: a file; and as one, but for the chain, all that starts whole stacks."""
    file = file_of(nodeid)
    return "stack" if file.startswith(OF_STACKS) and file != "stack/test_chain.py" else file


class LongestFirst(LoadFileScheduling):
    """Gives a process a scope as a whole; the longest begin first, so that none is left when the others have ended."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)
