"""What the served model looks at: SHAP's own plots of given contributions."""

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from customer_behavior.reporting.data import ReportData
from customer_behavior.reporting.images import STYLE, Chart, picture, plain
from customer_behavior.reporting.words import inline

SHOWN = 12
DEPENDENCE = 3


def explanation_charts(data: ReportData) -> list[Chart]:
    """Return the bar, beeswarm and dependence charts, strongest feature first; none without contributions."""
    if data.contributions is None or not data.contributions.size:
        return []
    strongest = strongest_features(data)
    if not strongest:
        return []
    import shap  # takes seconds

    values = np.column_stack([_numbers(data.sample[name]) for name in data.features])
    explanation = shap.Explanation(
        values=np.asarray(data.contributions, dtype=float),
        base_values=np.zeros(len(values)),
        data=values,
        feature_names=[plain(label(data, name), 46) for name in data.features],
    )
    unit = "logarithm of the amount" if data.is_amount else "log-odds"
    named = "; ".join(label(data, name) for name in strongest[:SHOWN])
    shown = min(SHOWN, len(data.features))
    charts = []
    with _axes(8.5, 1.2 + 0.36 * shown) as axes:
        shap.plots.bar(explanation, max_display=shown, ax=axes, show=False)
        axes.set_xlabel(f"Mean size of the effect, {unit}", fontsize=10)
        charts.append(
            Chart(
                "How much each feature matters",
                _tidy(axes),
                f"Bar chart of the mean size of effects, strongest first: {named}.",
                "The longer the bar, the more the feature moves the prediction, up or down, on average.",
            )
        )
    with _axes(8.5, 1.2 + 0.36 * shown) as axes:
        shap.plots.beeswarm(
            explanation, max_display=shown, ax=axes, show=False, plot_size=None, s=8, group_remaining_features=False
        )
        axes.set_xlabel(f"Effect on the prediction, {unit}: left lowers, right raises", fontsize=10)
        charts.append(
            Chart(
                "In which direction",
                _tidy(axes),
                f"Beeswarm of the effects of the strongest features, coloured by value: {named}.",
                f"A dot is one of {len(values):,} {data.entity}. Red dots have a high value of the feature, blue ones a low "
                "one, grey ones none."
                + (" Colours of categories only tell them apart." if _has_categories(data) else ""),
            )
        )
    for name in strongest[:DEPENDENCE]:
        charts.append(_dependence(data, explanation, name, unit))
    return charts


def strongest_features(data: ReportData) -> list[str]:
    """Return the features that move predictions at all, by mean size of their effect."""
    if data.contributions is None or not data.contributions.size:
        return []
    sizes = np.abs(data.contributions).mean(axis=0)
    return [data.features[place] for place in np.argsort(-sizes, kind="stable") if sizes[place] > 0]


def label(data: ReportData, name: str) -> str:
    """Return a feature's meaning, or its name where the catalogue has none."""
    feature = data.catalogue.get(name)
    return feature.meaning if feature else name


def _dependence(data: ReportData, explanation, name: str, unit: str) -> Chart:
    import shap

    said = label(data, name)
    feature = data.catalogue.get(name)
    place = data.features.index(name)
    with _axes(5.2, 4.0) as axes:
        shap.plots.scatter(explanation[:, place], ax=axes, show=False, color="#2563a8", alpha=0.35, dot_size=9)
        axes.set_xlabel(plain(f"{said}{f' ({feature.unit})' if feature else ''}"), fontsize=10)
        axes.set_ylabel(f"Effect, {unit}", fontsize=10)
        axes.axhline(0, color="#6b7280", linewidth=0.8)
        if not pd.api.types.is_numeric_dtype(data.sample[name]):
            levels = pd.Categorical(data.sample[name].astype(object)).categories[:20]
            axes.set_xticks(range(len(levels)), [plain(str(level), 16) for level in levels], rotation=60, ha="right")
        direction = _direction(explanation.data[:, place], explanation.values[:, place])
        return Chart(
            said,
            _tidy(axes),
            f"Dependence of the effect on {inline(said)}: {direction}.",
            "Above the line the value raises the prediction, below it lowers it."
            + (" Dots at the left edge have no value." if data.sample[name].isna().any() else ""),
        )


def _direction(values: np.ndarray, effects: np.ndarray) -> str:
    """Return the direction in words, by rank correlation."""
    there = ~np.isnan(values)
    if there.sum() < 3 or np.ptp(values[there]) == 0 or np.ptp(effects[there]) == 0:
        return "the effect does not follow the value"
    together = float(np.corrcoef(pd.Series(values[there]).rank(), pd.Series(effects[there]).rank())[0, 1])
    if abs(together) < 0.3:
        return "neither rising nor falling throughout"
    return (
        "higher values tend to raise the prediction" if together > 0 else "higher values tend to lower the prediction"
    )


def _has_categories(data: ReportData) -> bool:
    return not all(pd.api.types.is_numeric_dtype(data.sample[name]) for name in data.features)


def _numbers(column: pd.Series) -> np.ndarray:
    """Return a column as numbers (n,); categories by their alphabetical place, for colours."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=float, na_value=np.nan)
    codes = pd.Categorical(column.astype(object)).codes.astype(float)
    codes[codes < 0] = np.nan
    return codes


@contextmanager
def _axes(width: float, height: float) -> Iterator[Axes]:
    """Give axes to SHAP, which draws through pyplot, and close what it drew on.

    SHAP strews dots by numpy's common generator: it is set, so that the same report is the same bytes, and put back.
    """
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    with mpl.rc_context({**STYLE, "axes.grid": False}):
        before, chance = set(plt.get_fignums()), np.random.get_state()
        np.random.seed(0)
        figure = plt.figure(figsize=(width, height))
        try:
            yield figure.add_subplot()
        finally:
            np.random.set_state(chance)
            for number in set(plt.get_fignums()) - before:
                plt.close(number)


def _tidy(axes: Axes) -> str:
    axes.tick_params(labelsize=9)
    return picture(axes.get_figure(root=True), "png")  # type: ignore[arg-type]
