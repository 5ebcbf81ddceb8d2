"""Any table with a label and a time, in Python and on the command line."""

import json
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from customer_behavior.cli import main
from customer_behavior.errors import BadInputError
from customer_behavior.settings import load_targets
from customer_behavior.training.models import from_files
from customer_behavior.training.table import SHARES, read_table, split_days, train_table

COUNT = 3000


def quick():
    training = load_targets().training
    return training.model_copy(
        update={
            "bootstrap_samples": 30,
            "tuning": training.tuning.model_copy(update={"trials": 1, "max_trees": 30}),
            "xgboost": {**training.xgboost, "n_estimators": 30},
        }
    )


@pytest.fixture(scope="module")
def sessions() -> pd.DataFrame:
    random = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "session": [f"s{n}" for n in range(COUNT)],
            "started": pd.Timestamp("2025-03-01") + pd.to_timedelta(np.sort(random.random(COUNT)) * 40, unit="D"),
            "price": random.gamma(3, 20, COUNT).round(2),
            "device": random.choice(["phone", "desktop", None], COUNT),
            "pages": random.poisson(4, COUNT),
            "member": random.random(COUNT) < 0.3,
            "visitor": [f"v{n}" for n in random.integers(0, 900, COUNT)],
        }
    )
    odds = 0.4 * frame["pages"] + 1.2 * frame["member"] - 0.02 * frame["price"] - 1.6
    frame["bought"] = np.where(random.random(COUNT) < expit(odds), "yes", "No")
    frame.loc[::13, "price"] = np.nan
    return frame


def trained(table: pd.DataFrame, **given):
    options = {
        "label": "bought",
        "time": "started",
        "customer": "visitor",
        "leave_out": ["session"],
        "settings": quick(),
    }
    return train_table(table, **{**options, **given})


def test_a_table_of_sessions_gets_a_calibrated_model_beside_its_baselines(sessions):
    found = trained(sessions)
    assert found.model.recipe["confidence"] == "normal"
    assert set(found.question.features) == {"price", "device", "pages", "member"}
    [model] = [row for row in found.evaluations if row["contender"] == "model"]
    assert model["auc"] > 0.7
    assert sum(found.model.recipe["rows"].values()) == COUNT
    order = [part["as_of_date"] for part in found.data.parts().values() if len(part)]
    assert all(earlier.max() < later.min() for earlier, later in pairwise(order))


def test_days_keep_their_order_and_those_whose_label_reaches_into_the_next_part_are_left_out():
    first = date(2025, 1, 1)
    days = pd.Series([first + timedelta(days=n) for n in range(100) for _ in range(10)])
    plain, ahead = split_days(days, 0), split_days(days, 5)
    assert [len(plain.parts()[name]) for name in SHARES] == [50, 15, 15, 20]
    for earlier, later in (("fit", "tune"), ("tune", "calibration"), ("calibration", "report")):
        assert max(ahead.parts()[earlier]) + timedelta(days=5) <= min(ahead.parts()[later])
    assert len(ahead.fit) == 46


def test_a_column_that_knows_the_answer_is_left_out(sessions):
    leaking = trained(sessions.assign(paid=(sessions["bought"] == "yes") * 9.99))
    assert "paid" not in leaking.model.features
    assert [finding.details["column"] for finding in leaking.findings if finding.severity == "blocking"] == ["paid"]


@pytest.mark.parametrize("few", [0, 1])
def test_too_little_is_served_by_a_fallback_with_the_reason(sessions, few):
    little = trained(sessions.iloc[[0, 1]] if few == 0 else sessions.assign(started="2025-03-01"))
    assert little.model.recipe["confidence"] == "low"
    assert little.model.recipe["why"]
    assert len(little.model.predict(little.data.fit)) == len(little.data.fit)


def test_amounts_have_their_own_numbers(sessions):
    spent = sessions.assign(bought=(sessions["bought"] == "yes") * sessions["price"].fillna(10))
    found = trained(spent, kind="amount")
    assert found.thresholds == []
    [model] = [row for row in found.evaluations if row["contender"] == "model"]
    assert model["gini"] > 0.2
    assert model["deviance"] < next(row["deviance"] for row in found.evaluations if row["contender"] == "base_rate")


@pytest.mark.parametrize(
    ("change", "given", "says"),
    [
        ({}, {"label": "sold"}, "no column sold; it has session, started"),
        (
            {"started": "yesterday-ish"},
            {},
            "column started: 'yesterday-ish' in row 1 cannot be read as a time; 3000 rows",
        ),
        ({"bought": "maybe"}, {}, "column bought: 'maybe' in row 1 is neither yes nor no"),
        ({"bought": -1.0}, {"kind": "amount"}, "column bought: -1.0 in row 1 is no amount of 0 or more"),
    ],
)
def test_what_cannot_be_used_is_named(sessions, change, given, says):
    with pytest.raises(BadInputError, match=says):
        trained(sessions.assign(**change), **given)


def test_a_table_without_rows_is_refused(sessions):
    with pytest.raises(BadInputError, match="no rows"):
        trained(sessions.iloc[:0])


def test_files_of_every_form_are_read_alike_and_others_refused(sessions, tmp_path):
    plain = sessions[["session", "price"]]
    plain.to_csv(tmp_path / "a.csv", index=False)
    plain.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    plain.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    plain.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.tsv", "a.jsonl", "a.parquet"):
        assert read_table(tmp_path / name)["price"].sum() == pytest.approx(plain["price"].sum())
    (tmp_path / "b.parquet").write_text("no parquet")
    for name, says in (("a.xlsx", "is a .csv"), ("gone.csv", "does not exist"), ("b.parquet", "cannot be read")):
        with pytest.raises(BadInputError, match=says):
            read_table(tmp_path / name)


def test_the_command_prints_what_serves_and_writes_model_numbers_and_report(sessions, tmp_path, capsys):
    sessions.assign(started=sessions["started"].dt.strftime("%Y-%m-%dT%H:%M:%S+02:00")).to_csv(
        tmp_path / "table.csv", index=False
    )
    options = ["--label", "bought", "--time", "started", "--customer", "visitor", "--leave-out", "session"]
    main(["train-table", str(tmp_path / "table.csv"), *options, "--out", str(tmp_path / "out")])
    printed = capsys.readouterr().out
    assert "served by" in printed
    assert "logistic_regression" in printed
    files = {
        str(path.relative_to(tmp_path / "out/model")): path.read_bytes()
        for path in (tmp_path / "out/model").rglob("*")
        if path.is_file()
    }
    model = from_files(files)
    table = sessions.assign(price=sessions["price"].astype("float32"), member=sessions["member"].astype("float32"))
    assert model.predict(table).mean() == pytest.approx((sessions["bought"] == "yes").mean(), abs=0.05)
    numbers = json.loads((tmp_path / "out/evaluations.json").read_text())
    assert numbers[0]["contender"] == "model"
    assert "<html" in (tmp_path / "out/report.html").read_text()


def test_the_command_says_what_is_wrong_in_a_sentence(tmp_path):
    with pytest.raises(SystemExit, match=r"error: .*gone\.csv does not exist"):
        main(["train-table", str(tmp_path / "gone.csv"), "--label", "a", "--time", "b"])
