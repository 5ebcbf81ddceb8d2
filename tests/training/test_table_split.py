"""A table's days are split by time, each part with a day of its own where there are days enough."""

from datetime import date, timedelta
from itertools import accumulate, pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_behavior.cli import main
from customer_behavior.training.table import SHARES, split_days, summary
from customer_behavior.training.table.split import split_findings
from training.test_table import quick, sessions, trained  # noqa: F401

FIRST = date(2025, 1, 1)


def days_of(offsets: list[int], rows: list[int]) -> pd.Series:
    return pd.Series(
        [FIRST + timedelta(days=day) for day, count in zip(offsets, rows, strict=True) for _ in range(count)]
    )


@given(
    gaps=st.lists(st.integers(1, 40), min_size=1, max_size=14),
    rows=st.lists(st.integers(1, 60), min_size=14, max_size=14),
    label_days=st.integers(0, 35),
)
def test_parts_are_apart_and_none_is_empty_that_could_have_a_day(gaps, rows, label_days):
    offsets = list(accumulate(gaps))
    found = split_days(days_of(offsets, rows[: len(offsets)]), label_days)
    filled = [getattr(found, name) for name in SHARES if getattr(found, name)]
    for earlier, later in pairwise(filled):
        assert max(earlier) + timedelta(days=label_days) <= min(later)
        assert max(earlier) < min(later)
    apart = 1  # days that are so far from each other, taken from the first on
    last = offsets[0]
    for day in offsets[1:]:
        if day >= last + max(label_days, 1):
            apart, last = apart + 1, day
    assert len(filled) == min(apart, 4)
    assert found.complete == (apart >= 3)


def test_ten_months_of_one_stamp_each_are_split():
    months = pd.Series([date(2024, month, 1) for month in range(1, 11) for _ in range(month * 7)])
    found = split_days(months, 28)
    assert found.complete
    assert found.tune
    assert max(found.test) == date(2024, 10, 1)


def test_one_day_with_most_of_the_rows_leaves_the_others_theirs():
    found = split_days(days_of([0, 10, 20, 30], [1, 1, 1, 997]), 0)
    assert [len(getattr(found, name)) for name in SHARES] == [1, 1, 1, 1]
    found = split_days(days_of([0, 10, 20, 30], [997, 1, 1, 1]), 0)
    assert [len(getattr(found, name)) for name in SHARES] == [1, 1, 1, 1]


def test_what_keeps_a_table_from_being_split_is_said_with_what_to_pass():
    two = days_of([0, 1], [5, 5])
    [finding] = split_findings(two, split_days(two, 0), 0, "time")
    assert "2 different days in the time column leave none to" in finding.statement
    assert "a split by time takes 3" in finding.statement
    assert "--split random" in finding.fix
    ten = days_of(list(range(10)), [5] * 10)
    [finding] = split_findings(ten, split_days(ten, 7), 7, "time")
    assert "over 7 days (--label-days) before the next one begins" in finding.statement
    assert "a smaller --label-days" in finding.fix
    assert split_findings(ten, split_days(ten, 1), 1, "time") == []


def test_a_random_split_is_asked_for_and_says_what_it_flatters(sessions):  # noqa: F811
    one_day = sessions.assign(started="2025-03-01")
    by_time, at_random = trained(one_day), trained(one_day, split="random")
    assert by_time.model.card["confidence"] == "low"
    assert "no_split" in {finding.finding for finding in by_time.findings}
    assert at_random.model.card["confidence"] == "medium"
    [said] = [finding for finding in at_random.findings if finding.finding == "random_split"]
    assert "flatter" in said.statement
    assert any(line.startswith("on rows held out") for line in summary(at_random))
    assert {row["contender"] for row in at_random.evaluations} >= {"model", "logistic_regression"}


def test_a_sign_between_columns_is_found_or_named(sessions, tmp_path, capsys):  # noqa: F811
    told = ["--label", "bought", "--time", "started", "--leave-out", "session"]
    sessions.head(40).to_csv(tmp_path / "odd.csv", sep="^", index=False)
    main(["train-table", str(tmp_path / "odd.csv"), *told, "--delimiter", "^"])
    assert "served by" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="does not part its header"):
        main(["train-table", str(tmp_path / "odd.csv"), *told, "--delimiter", "#"])
