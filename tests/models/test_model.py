import numpy as np
import pandas as pd
import pytest
import shap
from scipy.special import expit

from customer_behavior.errors import CheckFailedError
from customer_behavior.models import BaseRate, BoostedTrees, fit_booster, from_files, matrix, model_id
from customer_behavior.models.calibration import Platt
from customer_behavior.targets.outcome import OUTCOMES

FEATURES = ("often", "recent", "noise")
PARAMETERS = {"n_estimators": 30, "max_depth": 3, "learning_rate": 0.1, "subsample": 0.8}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    random = np.random.default_rng(5)
    frame = pd.DataFrame({name: random.normal(size=800) for name in FEATURES})
    frame["label"] = (random.random(800) < expit(2 * frame["often"] - frame["recent"])).astype(int)
    frame.loc[::7, "recent"] = np.nan
    return frame


def fitted(rows: pd.DataFrame, seed: int = 1, threads: int = 2) -> BoostedTrees:
    booster = fit_booster(rows, FEATURES, {}, OUTCOMES["probability"], PARAMETERS, seed, threads)
    return BoostedTrees(FEATURES, booster, Platt(slope=0.8, intercept=-0.3), card={"seed": seed})


def test_contributions_sum_to_the_log_odds_of_the_probability(rows):
    model = fitted(rows)
    probability, contributions = model.explain(rows)
    rest = np.log(probability / (1 - probability)) - contributions.sum(axis=1)
    assert contributions.shape == (800, 3)
    assert rest == pytest.approx(np.full(800, rest[0]), abs=1e-4)
    assert np.abs(contributions[:, 0]).mean() > 3 * np.abs(contributions[:, 2]).mean()


def test_contributions_are_those_of_shaps_tree_explainer(rows):
    model = fitted(rows)
    values = shap.TreeExplainer(model.booster).shap_values(matrix(rows, FEATURES))
    assert model.explain(rows)[1] == pytest.approx(0.8 * values, abs=1e-4)


def test_same_data_and_seed_give_the_same_id_whatever_the_threads(rows):
    names = {model_id(fitted(rows, threads=threads).files()) for threads in (1, 2, 2)}
    assert len(names) == 1
    assert model_id(fitted(rows, seed=2).files()) not in names
    assert model_id(fitted(rows.iloc[1:]).files()) not in names


def test_files_give_the_model_back(rows):
    model = fitted(rows)
    again = from_files(model.files())
    assert again.files() == model.files()
    assert (again.predict(rows) == model.predict(rows)).all()
    plain = BaseRate(value=0.25, card={"why": "young"})
    assert from_files(plain.files()) == plain
    assert plain.predict(rows).tolist() == [0.25] * 800
    assert plain.explain(rows)[1].shape == (800, 0)


def test_files_written_before_the_card_had_its_name_are_read(rows):
    for model in (fitted(rows), BaseRate(value=0.25, card={"why": "young"})):
        files = model.files()
        old = files | {"model.json": files["model.json"].replace(b'"card"', b'"recipe"')}
        assert old != files
        assert from_files(old).card == model.card


def test_a_column_that_is_gone_is_named(rows):
    with pytest.raises(CheckFailedError, match="recent"):
        fitted(rows).predict(rows.drop(columns="recent"))


def test_no_rows_are_no_obstacle(rows):
    probability, contributions = fitted(rows).explain(rows.iloc[:0])
    assert probability.shape == (0,)
    assert contributions.shape == (0, 3)
    assert fitted(rows).predict(rows.iloc[:0]).shape == (0,)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"model.json": b"not json"},
        {"model.json": b'{"kind": "oracle", "card": {}}'},
        {
            "model.json": b'{"kind": "xgboost", "features": [], "calibrator": {}, "card": {}}',
            "booster.ubj": b"\x00\x01",
        },
    ],
)
def test_files_that_are_no_model_are_refused(files):
    with pytest.raises(CheckFailedError):
        from_files(files)


def test_weights_move_the_trees_and_are_as_deterministic_as_they(rows):
    weight = np.where(rows["label"] == 1, 0.2, 1.8)
    weight /= weight.mean()
    label = rows["label"].to_numpy()
    outcome = OUTCOMES["probability"]
    fits = [fit_booster(rows, FEATURES, {}, outcome, PARAMETERS, 1, n, weight) for n in (1, 2)]
    assert fits[0].save_raw("ubj") == fits[1].save_raw("ubj")
    mean = expit(fits[0].inplace_predict(matrix(rows, FEATURES), predict_type="margin")).mean()
    assert np.average(label, weights=weight) < label.mean() - 0.2
    assert mean < label.mean() - 0.2
