"""Numbers and names as people read them."""

from typing import Any

import numpy as np

NAMES = {
    "logistic_regression": "Logistic regression",
    "linear": "Regression",
    "frequency": "Frequency alone",
    "rfm": "RFM classes",
    "xgboost_defaults": "XGBoost defaults",
    "tweedie_regression": "Tweedie regression",
    "spending": "Spending alone",
    "base_rate": "Base rate",
    "xgboost": "Tuned trees",
    "best_profit": "Break-even",
    "over_65": "Over 65 %",
}
NONE = "–"


def known(value: Any) -> bool:
    """Return whether there is a number."""
    return value is not None and not (isinstance(value, float) and np.isnan(value))


def percent(value: float | None, digits: int | None = None) -> str:
    """Return a share in percent, with a digit more where it is small."""
    if not known(value):
        return NONE
    share = float(value) * 100  # type: ignore[arg-type]
    places = digits if digits is not None else 0 if abs(share) >= 20 else 1 if abs(share) >= 0.1 or share == 0 else 3
    text = f"{share:.{places}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text and digits is None else text} %"


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with so many decimals."""
    if value is None or not known(value):
        return NONE
    return f"{round(value, digits) + 0.0:,.{digits}f}"  # not -0


def count(value: float | None) -> str:
    """Return a whole number with separators."""
    return f"{value:,.0f}" if known(value) else NONE


def money(value: float | None, currency: str) -> str:
    """Return an amount with its currency."""
    return f"{value:,.2f} {currency}" if known(value) else NONE


def times(value: float | None) -> str:
    """Return a factor."""
    return f"{value:.1f} times" if known(value) else NONE


def name(key: str) -> str:
    """Return a contender, rule or kind by its name for people."""
    return NAMES.get(key, key.replace("_", " ").capitalize())


def inline(text: str) -> str:
    """Return words that begin a line as they stand within one; abbreviations stay."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def duration(seconds: float) -> str:
    """Return a time span, in the unit that fits."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
