"""A model of one table is asked about another file: through the command line, as a person would."""

import numpy as np
import pandas as pd
import pytest

from customer_behavior.cli import main
from training.test_table import sessions  # noqa: F401

ASKED = ["--label", "bought", "--time", "started", "--customer", "visitor", "--leave-out", "session"]


@pytest.fixture(scope="module")
def folder(sessions, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("scoring")
    sessions.rename(columns={"pages": "weight"}).to_csv(folder / "table.csv", index=False)
    main(["train-table", str(folder / "table.csv"), *ASKED, "--out", str(folder / "out")])
    return folder


def scored(folder, name: str, table: pd.DataFrame, *options: str) -> pd.DataFrame:
    table.to_csv(folder / name, index=False, sep=";" if ";" in options else ",")
    main(["score-table", str(folder / name), "--model", str(folder / "out"), "--out", str(folder / f"scored-{name}")])
    return pd.read_csv(folder / f"scored-{name}")


def test_another_file_gets_a_prediction_a_row_whatever_its_columns_order(folder, sessions, capsys):  # noqa: F811
    table = sessions.rename(columns={"pages": "weight"})
    whole = scored(folder, "whole.csv", table)
    later = table.drop(columns=["bought", "started"])[table.columns.drop(["bought", "started"])[::-1]].assign(
        note="new"
    )
    other = scored(folder, "later.csv", later, ";")
    assert list(other.columns) == [*later.columns, "prediction"]
    assert other["session"].tolist() == table["session"].tolist()
    np.testing.assert_allclose(other["prediction"], whole["prediction"])
    assert whole["prediction"].between(0, 1).all()
    assert whole["prediction"].mean() == pytest.approx((sessions["bought"] == "yes").mean(), abs=0.05)
    assert whole["prediction"].nunique() > 50
    assert "3,000 rows written to" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table.drop(columns="price"), "the table has no column price, which the model reads; it has "),
        (
            lambda table: table.assign(price="dear"),
            "column price was read as numbers by the model, and holds texts here: 'dear'",
        ),
        (lambda table: table.assign(prediction=1), "has a column prediction already"),
    ],
)
def test_a_file_that_cannot_be_scored_is_told_why(folder, sessions, change, says):  # noqa: F811
    with pytest.raises(SystemExit, match=says):
        scored(folder, "wrong.csv", change(sessions.rename(columns={"pages": "weight"})))


def test_a_folder_without_a_model_is_named(folder, tmp_path):
    with pytest.raises(SystemExit, match="holds no model that train-table wrote"):
        main(["score-table", str(folder / "table.csv"), "--model", str(tmp_path), "--out", str(tmp_path / "x.csv")])
