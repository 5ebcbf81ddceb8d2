"""The kinds of customers that a challenger must not serve worse: by recency, frequency and tenure."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

CUTS: Mapping[str, tuple[tuple[str, float, float], ...]] = {
    "days_since_purchase": (
        ("customers who bought within a week", 0, 7),
        ("customers who bought 8 to 28 days ago", 8, 28),
        ("customers who last bought more than 28 days ago", 29, np.inf),
    ),
    "purchase_days_90d": (
        ("customers with at most one purchase day in 90", 0, 1),
        ("customers with 2 to 6 purchase days in 90", 2, 6),
        ("customers with more than 6 purchase days in 90", 7, np.inf),
    ),
    "tenure_days": (("customers known for at most 28 days", 0, 28),),
    "is_known_customer": (("visitors nobody has named", 0, 0), ("known visitors", 1, 1)),
}


def segment_masks(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the segments that the rows' columns allow: name in words to a mask of shape (n,)."""
    return {
        name: rows[column].between(low, high).to_numpy()
        for column, cuts in CUTS.items()
        if column in rows
        for name, low, high in cuts
    }
