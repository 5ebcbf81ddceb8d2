"""What `make bench-effects` does with a shop, at a toy size."""

from __future__ import annotations

import pandas as pd

from bench.effects import Shop, look, table


def test_a_shop_too_small_to_find_anything_in_has_its_rows():
    planted = {"price_threshold": {"price": 40.0, "factor": 0.4}}
    rows = look(Shop("toy", 1, 60, ("price", "conversion"), 40.0, planted=planted))
    found = table(pd.DataFrame(rows))
    assert [(row["asked"], row["shops"], row["found"]) for row in found] == [("price", 1, 0), ("conversion", 1, 0)]
    assert all(0 < row["orders"] < 200 and row["found_low"] == 0 and "right" not in row for row in found)


def test_what_was_found_and_right_is_counted_by_group():
    rows = [{"group": "g", "asked": "price", "orders": 10, "found": True, "right": right} for right in (True, False)]
    [row] = table(pd.DataFrame([*rows, {"group": "g", "asked": "price", "orders": 13, "found": False}]))
    assert (row["shops"], row["found"], row["right"], row["orders"]) == (3, 2, 1, 11)
