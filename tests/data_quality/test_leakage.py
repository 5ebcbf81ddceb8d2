"""Columns that know the answer are found; honest ones, however strong, are not."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from customer_behavior.data_quality.leakage import find_leaks

HORIZON = 7
FIT, LATER = range(8), range(9, 11)
FEATURES = ("days_since_purchase", "purchase_days_90d", "revenue_90d", "country")


def panel(customers: int = 500, seed: int = 1) -> pd.DataFrame:
    """Return weekly rows of customers who buy at rates of their own, with what an honest snapshot knows of them."""
    random = np.random.default_rng(seed)
    rate = random.beta(0.5, 5.0, customers)
    bought = random.random((customers, 90 + 12 * 7)) < rate[:, None]
    spent = bought * random.gamma(2, 20, bought.shape)
    country = random.choice(["DE", "FR"], customers)
    frames = []
    for week in (*FIT, *LATER):
        day = 90 + 7 * week
        before = bought[:, :day]
        recency = np.where(before.any(axis=1), day - (day - 1 - before[:, ::-1].argmax(axis=1)), np.nan)
        frames.append(
            pd.DataFrame(
                {
                    "customer_id": [f"c{n}" for n in range(customers)],
                    "as_of_date": date(2024, 1, 1) + timedelta(days=day),
                    "days_since_purchase": recency.astype(np.float32),
                    "purchase_days_90d": bought[:, day - 90 : day].sum(axis=1).astype(np.float32),
                    "revenue_90d": spent[:, day - 90 : day].sum(axis=1).astype(np.float32),
                    "country": country,
                    "label": bought[:, day : day + HORIZON].any(axis=1).astype(np.int8),
                    "spent_later": spent[:, day : day + HORIZON].sum(axis=1),
                    "weight": 1.0,
                    "day": np.float32(day),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def split(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    weeks = (rows["day"] - 90) // 7
    return rows[weeks.isin(FIT)], rows[weeks.isin(LATER)]


def leaks(rows: pd.DataFrame, *planted: str, horizon: int | None = HORIZON, kind="probability") -> dict[str, str]:
    """Return the columns found, with how severe each is."""
    fit, later = split(rows)
    found = find_leaks(fit, later, (*FEATURES, *planted), kind=kind, horizon_days=horizon)
    assert all(one.statement and one.fix for one in found)
    return {one.details["column"]: one.severity for one in found}


@pytest.mark.parametrize("horizon", [HORIZON, None])
@pytest.mark.parametrize("seed", range(2))
def test_honest_columns_are_not_flagged(seed, horizon):
    assert leaks(panel(seed=seed), horizon=horizon) == {}


def future(rows: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column that looks into the label's window."""
    random = np.random.default_rng(9)
    label, count = rows["label"].to_numpy(), len(rows)
    inside, outside = random.random(count) * HORIZON, random.random(count) * 60
    made = {
        "the label": lambda: label.astype(float),
        "its opposite": lambda: 1.0 - label,
        "the label and noise": lambda: label + random.normal(0, 0.15, count),
        "orders in the window": lambda: np.where(label, 1 + random.poisson(1.0, count), 0.0),
        "missing for negatives": lambda: np.where(label, random.normal(size=count), np.nan),
        "missing for positives": lambda: np.where(label, np.nan, random.normal(size=count)),
        "values of outcomes": lambda: np.where(label, *(random.choice(list(of), count) for of in ("abc", "xyz"))),
        "a stamp": lambda: 86_400 * (rows["day"].to_numpy(float) + np.where(label, inside, -outside)),
        "a rising id": lambda: 500 * (rows["day"].to_numpy(float) + np.where(label, inside, -outside)).round(2),
        "recency at the window's end": lambda: np.where(
            label, (HORIZON - inside).round(), rows["days_since_purchase"].to_numpy() + HORIZON
        ),
        "a middle band": lambda: np.where(label, random.normal(0, 0.1, count), random.choice([-1.0, 1.0], count)),
    }
    return made[name]()


PLANTED = [
    "the label",
    "its opposite",
    "the label and noise",
    "orders in the window",
    "missing for negatives",
    "missing for positives",
    "values of outcomes",
    "a stamp",
    "a rising id",
    "recency at the window's end",
    "a middle band",
]


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_future_column_blocks(name):
    rows = panel()
    assert leaks(rows.assign(planted=future(rows, name)), "planted", horizon=None) == {"planted": "blocking"}


def test_two_planted_columns_are_both_named():
    rows = panel()
    rows = rows.assign(one=future(rows, "orders in the window"), other=future(rows, "the label and noise"))
    assert leaks(rows, "one", "other") == {"one": "blocking", "other": "blocking"}


def test_a_noisy_look_ahead_is_told_from_a_strong_habit_by_the_window_before():
    """Both rank the outcome alike; the habit knows the window before as well, the look ahead does not."""
    rows = panel()
    random = np.random.default_rng(4)
    rows["ahead"] = rows["label"] + random.normal(0, 0.45, len(rows))
    steady = random.random(500) < 0.3  # customers who buy nearly every week, and the others hardly ever
    whose = rows["customer_id"].str[1:].astype(int).to_numpy()
    habitual = rows.assign(label=(random.random(len(rows)) < np.where(steady[whose], 0.93, 0.02)).astype(np.int8))
    habitual["habit"] = steady[whose].astype(np.float32)
    assert leaks(rows, "ahead") == {"ahead": "blocking"}
    assert leaks(rows, "ahead", horizon=None) == {}
    assert leaks(habitual, "habit").get("habit") != "blocking"


def test_a_shop_of_subscriptions_is_not_stopped():
    """Every order follows 28 days after the last: recency tells nearly all, of the window before too."""
    random = np.random.default_rng(3)
    rows = panel(customers=600)
    phase = random.integers(0, 28, 600)[rows["customer_id"].str[1:].astype(int)]
    since = (rows["day"].to_numpy() + phase) % 28
    late = random.random(len(rows)) < 0.01
    rows["days_since_purchase"] = since.astype(np.float32)
    rows["label"] = np.where(late, 0, since >= 28 - HORIZON).astype(np.int8)
    found = leaks(rows)
    assert found.get("days_since_purchase") == "warning"
    assert "blocking" not in found.values()


def test_what_two_columns_tell_only_together_is_a_warning_that_names_one():
    rows = panel()
    random = np.random.default_rng(5)
    key = (random.random(len(rows)) < 0.3).astype(int)
    rows = rows.assign(key=key.astype(np.float32), locked=(key ^ rows["label"]).astype(np.float32))
    found = leaks(rows, "key", "locked")
    assert len(found) == 1 and set(found) <= {"key", "locked"}
    assert set(found.values()) == {"warning"}


def test_amounts_are_asked_whether_there_is_any():
    rows = panel()
    honest = rows.assign(label=rows["spent_later"])
    assert leaks(honest, kind="amount") == {}
    random = np.random.default_rng(2)
    near = honest["label"] * random.uniform(0.8, 1.2, len(rows))
    assert leaks(honest.assign(planted=near), "planted", kind="amount") == {"planted": "blocking"}
    always = honest.assign(label=honest["label"] + random.gamma(2, 20, len(rows)))
    planted = always["label"] * random.uniform(0.99, 1.01, len(rows))
    assert leaks(always.assign(planted=planted), "planted", kind="amount") == {"planted": "blocking"}


def test_a_sampled_shop_is_asked_with_its_weights():
    rows = panel(customers=1_500)
    kept = (rows["label"] == 1) | (np.arange(len(rows)) % 3 == 0)
    sampled = rows[kept].assign(weight=np.where(rows.loc[kept, "label"] == 1, 1.0, 3.0))
    assert leaks(sampled) == {}
    assert leaks(sampled.assign(planted=future(sampled, "a stamp")), "planted") == {"planted": "blocking"}


def test_too_few_rows_to_tell_and_odd_columns_are_no_findings():
    rows = panel(customers=12)
    assert leaks(rows.assign(planted=rows["label"].astype(float)), "planted") == {}
    fit, later = split(panel(customers=50))
    for one in (fit, later):
        assert find_leaks(one.iloc[:0], later, FEATURES, kind="probability") == []
    odd = panel().assign(empty=np.float32(np.nan), same=np.float32(1), none=None, endless=np.float32(np.inf))
    assert leaks(odd, "empty", "same", "none", "endless", "gone") == {}
    assert leaks(panel().assign(label=0)) == {}


def test_the_same_rows_give_the_same_findings():
    rows = panel()
    rows["planted"] = future(rows, "the label and noise")
    fit, later = split(rows)
    one, other = (find_leaks(fit, later, (*FEATURES, "planted"), kind="probability") for _ in range(2))
    assert one == other
