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
from customer_behavior.models import from_files
from customer_behavior.settings import load_settings, load_targets
from customer_behavior.training.table import SHARES, read_table, split_days, summary, train_table, write_results

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
            "device": random.choice(np.array(["phone", "desktop", None], dtype=object), COUNT),
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
    return train_table(table, **{"settings": load_settings().targets.training, **options, **given})


def test_a_table_of_sessions_gets_a_calibrated_model_beside_its_baselines(sessions):
    found = trained(sessions)
    assert found.model.card["confidence"] == "normal"
    assert set(found.question.features) == {"price", "device", "pages", "member"}
    [model] = [row for row in found.evaluations if row["contender"] == "model"]
    assert model["auc"] > 0.7
    assert sum(found.model.card["rows"].values()) == COUNT
    order = [part["as_of_date"] for part in found.data.parts().values() if len(part)]
    assert all(earlier.max() < later.min() for earlier, later in pairwise(order))


def test_days_keep_their_order_and_those_whose_label_reaches_into_the_next_part_are_left_out():
    first = date(2025, 1, 1)
    days = pd.Series([first + timedelta(days=n) for n in range(100) for _ in range(10)])
    plain, ahead = split_days(days, 0), split_days(days, 5)
    assert [len(plain.parts()[name]) for name in SHARES] == [50, 15, 15, 20]
    for earlier, later in (("fit", "tune"), ("tune", "calibration"), ("calibration", "test")):
        assert max(ahead.parts()[earlier]) + timedelta(days=5) <= min(ahead.parts()[later])
    assert len(ahead.fit) == 46


def test_a_column_that_knows_the_answer_is_left_out(sessions):
    leaking = trained(sessions.assign(paid=(sessions["bought"] == "yes") * 9.99))
    assert "paid" not in leaking.model.features
    assert [finding.details["column"] for finding in leaking.findings if finding.severity == "blocking"] == ["paid"]


@pytest.mark.parametrize("few", [0, 1])
def test_too_little_is_served_by_a_fallback_with_the_reason(sessions, few):
    little = trained(sessions.iloc[[0, 1]] if few == 0 else sessions.assign(started="2025-03-01"))
    assert little.model.card["confidence"] == "low"
    assert little.model.card["why"]
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
        ({"bought": -1.0}, {"kind": "amount"}, "column bought: '-1' in row 1 is no amount of 0 or more"),
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


CASES = {
    "brackets": {"price[EUR]": "price", "age<30": "member", "größe": "pages", "price_EUR_": "device", "": "visitor"},
    "of the core": {"weight": "price", "label": "member", "as_of_date": "pages", "customer_id": "device"},
}


@pytest.mark.parametrize("case", CASES)
def test_columns_of_any_name_are_learnt_from_and_shown_under_it(sessions, case, tmp_path):
    table = sessions[["bought", "started"]].assign(**{name: sessions[own] for name, own in CASES[case].items()})
    found = trained(table, customer=None, leave_out=[])
    called = [f"{name}.1" if case == "of the core" else name for name in CASES[case]]
    assert list(found.question.features) == called
    said = "\n".join(summary(found))
    assert all(name in said for name in called)
    assert ("weight is called weight.1" in said) == (case == "of the core")
    files = found.contenders["xgboost"].files()
    rows = found.data.test
    np.testing.assert_array_equal(from_files(files).predict(rows), found.contenders["xgboost"].predict(rows))


def test_texts_among_numbers_are_missing_values_and_cost_hardly_anything(sessions):
    mixed = sessions.assign(price=sessions["price"].astype(object).where(sessions.index % 20 > 0, "unknown"))
    found, clean = trained(mixed), trained(sessions)
    assert "150 values of price are no number: 'unknown' (150); they count as missing" in "\n".join(summary(found))
    assert found.evaluations[0]["auc"] == pytest.approx(clean.evaluations[0]["auc"], abs=0.02)


@pytest.mark.parametrize("left", [0, 3])
def test_newest_days_of_one_answer_give_low_confidence_with_the_reason(sessions, left, tmp_path):
    told = sessions["bought"].mask(sessions["started"] >= "2025-04-01", "no")
    told.iloc[COUNT - left :] = "yes"
    found = trained(sessions.assign(bought=told))
    assert found.model.card["confidence"] == "low"
    assert "of the rarer outcome: how good it is cannot be measured" in found.model.card["why"]
    assert "nan" not in "\n".join(summary(found))
    write_results(found, tmp_path, "")
    numbers = json.loads((tmp_path / "evaluations.json").read_text(), parse_constant=pytest.fail)
    assert (numbers[0]["auc"] is None) == (left == 0)


def test_remedies_are_those_of_a_table(sessions):
    odd = sessions.assign(nothing=None, same=1, leak=(sessions["bought"] == "yes") * 2.0, name=sessions["session"])
    fixes = [finding.fix for finding in trained(odd).findings]
    assert len(fixes) >= 4
    assert not [fix for fix in fixes for word in ("yaml", "DAG", "snapshot", "load_history", "include/") if word in fix]


def test_rows_without_time_or_label_are_left_out_and_said(sessions):
    gone = sessions.assign(
        started=sessions["started"].where(sessions.index % 10 > 0),
        bought=sessions["bought"].where(sessions.index % 7 > 0),
    )
    found = trained(gone)
    assert sum(found.model.card["rows"].values()) == len(gone.dropna(subset=["started", "bought"]))
    said = "\n".join(summary(found))
    assert "300 rows of 3,000 have no time (started), and are left out" in said
    assert "429 rows of 3,000 have no label (bought), and are left out" in said


def test_rows_without_a_customer_are_nobody_elses(sessions):
    found = trained(sessions.assign(visitor=sessions["visitor"].where(sessions.index % 3 > 0)))
    customers = pd.concat([part["customer_id"] for part in found.data.parts().values() if len(part)])
    assert customers.str.startswith("row ").sum() == 1000
    assert customers[customers.str.startswith("row ")].is_unique


def test_columns_that_tell_nothing_apart_are_no_reason_to_fail(sessions):
    bare = sessions[["bought", "started"]].assign(same=1, rare=[f"r{n}" for n in range(COUNT)])
    assert trained(bare, customer=None, leave_out=[]).evaluations


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"label": "started"}, "label, time and customer are started, started, visitor: they have to be different"),
        ({"customer": "bought"}, "have to be different columns"),
        ({"customer": ""}, "the table has no column ; it has session"),
        ({"label_days": -1}, "looks -1 days ahead"),
        ({"label_days": 10**9}, "days ahead: it can be 0 to"),
    ],
)
def test_what_contradicts_itself_is_refused(sessions, given, says):
    with pytest.raises(BadInputError, match=says):
        trained(sessions, **given)
