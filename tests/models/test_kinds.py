"""The kinds of models: what they add up to, what they read, and their files."""

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import pytest
import shap
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from customer_behavior.models import Blend, BoostedTrees, Model, fit_booster, fit_linear, from_files, matrix
from customer_behavior.models.calibration import LogLine, Platt
from customer_behavior.models.matrix import fit_levels
from customer_behavior.models.trees import tree_data
from customer_behavior.targets.outcome import OUTCOMES

FEATURES = ("often", "recent", "device")
IDENTITY = Platt(1.0, 0.0)
RECIPE = {"n_estimators": 20, "max_depth": 3, "learning_rate": 0.2}
PROBABILITY, AMOUNT = OUTCOMES["probability"], OUTCOMES["amount"]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    random = np.random.default_rng(3)
    count = 2000
    frame = pd.DataFrame(
        {
            "often": random.poisson(3, count).astype("float32"),
            "recent": random.exponential(20, count).astype("float32"),
            "device": random.choice(["phone", "desktop", "tablet"], count, p=[0.6, 0.35, 0.05]).astype(object),
        }
    )
    frame.loc[::9, "recent"] = np.nan
    frame.loc[::11, "device"] = None
    odds = 0.5 * frame["often"] - 0.03 * frame["recent"].fillna(60) + 0.8 * (frame["device"] == "phone") - 1.5
    frame["label"] = (random.random(count) < expit(odds)).astype("int8")
    frame["weight"] = 1.0
    return frame


def trees(rows, outcome=PROBABILITY, features=FEATURES, monotone=None, calibrator=IDENTITY) -> BoostedTrees:
    levels = fit_levels(rows, features)
    booster = fit_booster(rows, features, levels, outcome, RECIPE, 1, 2, None, monotone)
    return BoostedTrees(features, booster, calibrator, levels=levels)


def every_kind(rows) -> dict[str, Model]:
    line = fit_linear(rows, FEATURES, PROBABILITY, Platt(0.9, 0.1))
    return {"trees": trees(rows), "linear": line, "blend": Blend(trees(rows), line, Platt(1.1, -0.2))}


@pytest.mark.parametrize("kind", ["trees", "linear", "blend"])
def test_contributions_and_a_constant_are_the_log_odds_and_files_give_the_model_back(rows, kind):
    model = every_kind(rows)[kind]
    predicted, shares = model.explain(rows)
    assert predicted == pytest.approx(model.predict(rows), abs=1e-5)
    rest = np.log(predicted / (1 - predicted)) - shares.sum(axis=1)
    assert rest == pytest.approx(np.full(len(rows), rest[0]), abs=1e-3)
    again = from_files(model.files())
    assert again.files() == model.files()
    assert (again.predict(rows) == model.predict(rows)).all()


def test_a_blend_is_the_mean_of_its_margins(rows):
    model = every_kind(rows)["blend"]
    assert isinstance(model, Blend)
    assert model.margin(rows) == pytest.approx((model.trees.margin(rows) + model.regression.margin(rows)) / 2)


def test_values_that_were_never_seen_count_as_missing(rows):
    strange, missing = (rows.head(50).assign(device=value) for value in ("fridge", None))
    for model in every_kind(rows).values():
        assert model.predict(strange) == pytest.approx(model.predict(missing))
        assert not np.allclose(model.predict(strange), model.predict(rows.head(50).assign(device="phone")))


def test_a_monotone_feature_never_lowers_a_prediction(rows):
    noisy = rows.assign(label=np.random.default_rng(0).integers(0, 2, len(rows)).astype("int8"))
    steps = pd.DataFrame({"often": np.arange(12.0, dtype="float32"), "recent": 5.0, "device": "phone"})
    assert (np.diff(trees(noisy).predict(steps)) < 0).any()
    assert (np.diff(trees(noisy, monotone={"often": 1}).predict(steps)) >= 0).all()


def test_contributions_with_categories_are_those_of_shap(rows):
    numbers = trees(rows, features=FEATURES[:2])
    values = shap.TreeExplainer(numbers.booster).shap_values(matrix(rows, FEATURES[:2]))
    assert numbers.explain(rows)[1] == pytest.approx(values, abs=1e-4)


def test_contributions_are_shapley_values_of_the_trees_own_expectations(rows):
    """Every subset of features by hand: a tree's expectation follows known splits and averages over the others by cover."""
    features = ("often", "recent")
    model = trees(rows, features=features)
    nodes = model.booster.trees_to_dataframe()
    one = rows.loc[rows["recent"].notna(), list(features)].head(3)

    def expectation(tree: pd.DataFrame, node: str, values: pd.Series, known: frozenset[str]) -> float:
        at = tree.loc[node]
        assert isinstance(at, pd.Series)
        if at["Feature"] == "Leaf":
            return float(at["Gain"])
        if at["Feature"] in known:
            return expectation(tree, at["Yes"] if values[at["Feature"]] < at["Split"] else at["No"], values, known)
        covers = [tree.loc[at[side], "Cover"] for side in ("Yes", "No")]
        parts = [expectation(tree, at[side], values, known) for side in ("Yes", "No")]
        return float(np.average(parts, weights=covers))

    by_tree = [tree.set_index("ID") for _, tree in nodes.groupby("Tree")]
    shares = model.explain(one)[1]
    for place, (_, values) in enumerate(one.iterrows()):
        of = {
            frozenset(known): sum(
                expectation(tree, f"{number}-0", values, frozenset(known)) for number, tree in enumerate(by_tree)
            )
            for size in range(3)
            for known in combinations(features, size)
        }
        for index, name in enumerate(features):
            shapley = 0.0
            for known in (frozenset(), frozenset(features) - {name}):
                weight = factorial(len(known)) * factorial(len(features) - len(known) - 1) / factorial(len(features))
                shapley += weight * (of[known | {name}] - of[known])
            assert shares[place, index] == pytest.approx(shapley, abs=1e-3)


def test_amounts_add_up_in_logarithms(rows):
    random = np.random.default_rng(1)
    spent = rows.assign(label=rows["label"] * random.gamma(2, 20, len(rows)))
    for model in (
        trees(spent, AMOUNT, calibrator=LogLine(1.0, 0.0)),
        fit_linear(spent, FEATURES, AMOUNT, LogLine(1.0, 0.0)),
    ):
        predicted, shares = model.explain(spent)
        rest = np.log(predicted) - shares.sum(axis=1)
        assert rest == pytest.approx(np.full(len(rows), rest[0]), abs=1e-3)
        assert predicted.mean() == pytest.approx(spent["label"].mean(), rel=0.1)


def test_the_regression_is_scikit_learns_on_the_same_design(rows):
    whole = rows.dropna().assign(device="phone")
    model = fit_linear(whole, ("often",), PROBABILITY, IDENTITY)
    values = StandardScaler().fit_transform(whole[["often"]])
    peer = LogisticRegression(max_iter=1000).fit(values, whole["label"])
    assert model.predict(whole) == pytest.approx(peer.predict_proba(values)[:, 1], abs=1e-4)


def test_the_matrix_of_trees_marks_categories(rows):
    model = trees(rows)
    data = tree_data(matrix(rows, FEATURES, model.levels), FEATURES, model.levels)
    assert data.feature_types == ["q", "q", "c"]
    assert model.levels == {"device": ["desktop", "phone", "tablet"]}
