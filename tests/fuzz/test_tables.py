"""Odd tables of strangers end with a model or with a sentence; `make fuzz TARGET=tables` tries hundreds."""

from __future__ import annotations

import pytest

from fuzz.tables import train_odd_table


@pytest.mark.parametrize("seed", range(1000, 1012))
def test_an_odd_table_is_trained_from_or_refused_with_a_sentence(seed):
    assert train_odd_table(seed).startswith(("served by", "refused: "))
