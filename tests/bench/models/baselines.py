"""Baselines that others would use: a probability model of repeat purchases, and another library's trees as they come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import sqlalchemy as sa
from scipy.optimize import minimize
from scipy.special import betaln, gammaln
from sqlalchemy.engine import Connection

from customer_behavior.models.matrix import fit_levels, matrix
from customer_behavior.targets.sampling import fit_weights, row_weights

HISTORY = """SELECT customer_id, purchase_days_lifetime, days_since_purchase, tenure_days
    FROM features.customer_snapshot WHERE as_of_date = :day AND purchase_days_lifetime > 0"""


@dataclass(frozen=True)
class BgNbd:
    """Customers buy at a rate of their own until they drop out, which each purchase may be followed by.

    Attributes
    ----------
    r, alpha
        shape and rate (days) of the customers' rates of purchase
    a, b
        of the beta distribution of the chance to drop out after a purchase

    Notes
    -----
    P. Fader, B. Hardie and K. Lee, "Counting your customers" the easy way: an alternative to the Pareto/NBD model, 2005.
    """

    r: float
    alpha: float
    a: float
    b: float

    def buys_within(self, repeats: np.ndarray, recency: np.ndarray, age: np.ndarray, days: float) -> np.ndarray:
        """Return the probability of a purchase in the next days.

        Parameters
        ----------
        repeats : array of shape (n,)
            Days with a purchase after the first one.
        recency, age : arrays of shape (n,)
            Days from the first purchase to the last one, and to the as-of date.
        """
        odds_gone = np.exp(
            np.log(self.a)
            - np.log(self.b + np.maximum(repeats, 1) - 1)
            + (self.r + repeats) * np.log((self.alpha + age) / (self.alpha + recency))
        )
        alive = 1 / (1 + np.where(repeats > 0, odds_gone, 0))
        return alive * (1 - ((self.alpha + age) / (self.alpha + age + days)) ** (self.r + repeats))


def fit_bg_nbd(repeats: np.ndarray, recency: np.ndarray, age: np.ndarray) -> BgNbd:
    """Return the model with the highest likelihood of these customers' histories; arrays as of `BgNbd.buys_within`."""
    scale = float(max(np.mean(age), 1.0))  # the optimiser sees ages about 1
    recent, old = recency / scale, age / scale

    def loss(logs: np.ndarray) -> float:
        r, alpha, a, b = np.exp(logs)
        always = gammaln(r + repeats) - gammaln(r) + r * np.log(alpha)
        stayed = betaln(a, b + repeats) - betaln(a, b) - (r + repeats) * np.log(alpha + old)
        left = betaln(a + 1, b + np.maximum(repeats, 1) - 1) - betaln(a, b) - (r + repeats) * np.log(alpha + recent)
        return -float(np.mean(always + np.logaddexp(stayed, np.where(repeats > 0, left, -np.inf))))

    start = np.log([1.0, 0.3, 1.0, 3.0])
    found = minimize(loss, start, method="L-BFGS-B", bounds=[(-8, 8)] * 4)
    r, alpha, a, b = np.exp(found.x)
    return BgNbd(float(r), float(alpha * scale), float(a), float(b))


def said_by_bg_nbd(connection: Connection, rows: pd.DataFrame, as_of: date, days: int) -> np.ndarray:
    """Return the probabilities of rows of `customer_id`, shape (n,), by a model of all who had bought by `as_of`; 0 for others."""
    known = pd.read_sql_query(sa.text(HISTORY), connection, params={"day": as_of}).set_index("customer_id")
    known = known.astype(float)
    age = known["tenure_days"].to_numpy()
    repeats = known["purchase_days_lifetime"].to_numpy() - 1
    recency = np.maximum(age - known["days_since_purchase"].to_numpy(), 0)
    said = fit_bg_nbd(repeats, recency, age).buys_within(repeats, recency, age, days)
    return pd.Series(said, index=known.index).reindex(rows["customer_id"]).fillna(0.0).to_numpy()


def said_by_lightgbm(learn: pd.DataFrame, rows: pd.DataFrame, features: tuple[str, ...]) -> np.ndarray:
    """Return the probabilities of rows, shape (n,), by LightGBM's defaults fitted on `learn`."""
    levels = fit_levels(learn, features)
    model = lightgbm.LGBMClassifier(verbose=-1)
    model.fit(
        matrix(learn, features, levels),
        learn["label"].to_numpy(),
        sample_weight=fit_weights(row_weights(learn)),
        categorical_feature=[features.index(name) for name in levels],
    )
    said: Any = model.predict_proba(matrix(rows, features, levels))
    return np.asarray(said)[:, 1]
