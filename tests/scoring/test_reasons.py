import json

import numpy as np
import pandas as pd
import pytest

from customer_behavior.scoring.reasons import in_words, reasons_json
from customer_behavior.settings import Feature, load_settings

CATALOGUE = {
    "days": Feature(
        meaning="Days", unit="days", phrase="bought on {value:.0f} of the last 28 days", missing="has never bought"
    ),
    "share": Feature(meaning="Discount", unit="share", phrase="{value:.0%} of the value was discount"),
    "spent": Feature(meaning="Revenue", unit="EUR", phrase="spent {value:.2f}"),
    "noise": Feature(meaning="Noise", unit="", phrase='a "quoted" {value:.0f}'),
}
ROWS = pd.DataFrame({"days": [3.0, np.nan], "share": [0.25, 0.25], "spent": [9.99, 12.0], "noise": [1, 2]})


def reasons(contributions: list[list[float]]) -> list[list[dict]]:
    found = reasons_json(ROWS, np.array(contributions), tuple(ROWS.columns), CATALOGUE)
    return [json.loads(text) for text in found.to_pylist()]


def test_the_three_strongest_with_sign_value_and_words():
    first, second = reasons([[0.5, -0.7, 0.1, 0.01], [-0.9, 0.2, 0.3, 0.4]])
    assert first == [
        {"feature": "share", "value": 0.25, "effect": -0.7, "words": "25% of the value was discount: lowers"},
        {"feature": "days", "value": 3, "effect": 0.5, "words": "bought on 3 of the last 28 days: raises"},
        {"feature": "spent", "value": 9.99, "effect": 0.1, "words": "spent 9.99: raises"},
    ]
    assert second == [
        {"feature": "days", "value": None, "effect": -0.9, "words": "has never bought: lowers"},
        {"feature": "noise", "value": 2, "effect": 0.4, "words": 'a "quoted" 2: raises'},
        {"feature": "spent", "value": 12, "effect": 0.3, "words": "spent 12.00: raises"},
    ]


def test_no_effect_is_no_reason():
    assert reasons([[0, 0, 0.2, 0.0001], [0, 0, 0, 0]]) == [
        [{"feature": "spent", "value": 9.99, "effect": 0.2, "words": "spent 9.99: raises"}],
        [],
    ]


def test_a_model_without_features_has_no_reasons():
    assert reasons_json(ROWS, np.zeros((2, 0)), (), CATALOGUE).to_pylist() == ["[]", "[]"]


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5, 1234.5678, np.nan])
def test_every_feature_of_the_catalogue_has_words(value):
    for name, feature in load_settings().features.items():
        assert "{" not in in_words(name, value, feature)
        assert "nan" not in in_words(name, value, feature)
