"""Counts by cluster, and variances that do not take the visits of one customer, product or day for independent."""

import numpy as np
import pandas as pd


def table_of(counts: pd.DataFrame, clusters: str, column: str, values: str, size: int) -> np.ndarray:
    """Return counts as an array, shape (clusters, size): one kind of cluster by `column`, an integer from 0 to size - 1."""
    of_kind = counts[counts["clusters"] == clusters]
    rows, codes = np.unique(of_kind["cluster"].to_numpy(), return_inverse=True)
    found = np.zeros((len(rows), size))
    # An empty frame from a database has no types.
    places, counted = of_kind[column].to_numpy(dtype=np.int64), of_kind[values].to_numpy(dtype=np.float64)
    np.add.at(found, (codes, places), counted)
    return found


def variance(influence: np.ndarray) -> np.ndarray:
    """Return the cluster-robust variance of a sum from what each cluster adds to it, shape (clusters, ...).

    With the correction for few clusters, C / (C - 1); see Cameron and Miller (2015), A practitioner's guide to
    cluster-robust inference.
    """
    count = len(influence)
    return np.square(influence).sum(axis=0) * (count / (count - 1) if count > 1 else np.inf)
