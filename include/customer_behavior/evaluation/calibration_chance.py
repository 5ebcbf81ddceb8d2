"""How far off exactly right probabilities would be by chance: the band that a calibration error is held against."""

from collections.abc import Iterator

import numpy as np

from customer_behavior.evaluation.metrics import calibration_error


def calibration_error_if_exact(
    label: np.ndarray,
    probability: np.ndarray,
    groups: np.ndarray,
    samples: int,
    seed: int,
    weight: np.ndarray | None = None,
    percent: float = 95,
) -> float:
    """Return the percentile of the calibration error of `samples` draws of labels from these very probabilities.

    A calibrated model of that size stays below it so often: an error over it is more than chance.

    Parameters
    ----------
    label : array of shape (n,)
        0 or 1: what came true, which says how alike rows of one group are, and how the rows were sampled.
    groups : array of shape (n,)
        Each row's customer, or visit. Labels of one group are drawn as alike as those that came true are.
    weight : array of shape (n,), optional
        Rows that each one stands for. Where they differ by label the rows were sampled by it, and are drawn so.

    Notes
    -----
    Pairs of a group share their draw at random, so that residuals are correlated as they were found to be: J. Prentice,
    Correlated binary regression with covariates specific to each binary observation, 1988, on that correlation. Rows sampled by
    label hold a label with the odds p / (1 - p) times the ratio of the two sampling rates: R. Prentice and R. Pyke, Logistic disease
    incidence models and case-control studies, 1979.
    """
    chance = np.asarray(probability, dtype=np.float64)
    likeness = _likeness(label, chance, groups)
    if weight is None:
        errors = [calibration_error(drawn < chance, chance) for drawn in _uniforms(groups, likeness, samples, seed)]
    else:
        errors = _sampled(np.asarray(label) > 0.5, chance, groups, likeness, samples, seed, weight)
    return float(np.percentile(errors, percent))


def _sampled(
    label: np.ndarray,
    chance: np.ndarray,
    groups: np.ndarray,
    likeness: float,
    samples: int,
    seed: int,
    weight: np.ndarray,
) -> list[float]:
    """Return errors of draws of rows that were sampled by their label, each label's at one rate."""
    one, other = (float(weight[mask].mean()) if mask.any() else float(weight.mean()) for mask in (label, ~label))
    sampled = chance / one / (chance / one + (1 - chance) / other)
    total, expected = float(weight.sum()), float(weight @ chance)
    # Of all the rows there are, not of those that were read, so many came true: the sampling kept their number.
    spread = float(np.sqrt(weight @ (chance * (1 - chance))))
    levels = np.random.default_rng([seed, 1]).normal(expected, spread, samples)
    errors = []
    for drawn, level in zip(_uniforms(groups, likeness, samples, seed), levels, strict=True):
        came = drawn < sampled
        count = int(came.sum())
        if count in (0, len(came)):
            came_weight = np.full(len(came), total / len(came))
        else:
            true = min(max(level, 0.0), total)
            came_weight = np.where(came, true / count, (total - true) / (len(came) - count))
        errors.append(calibration_error(came, chance, came_weight))
    return errors


def _uniforms(groups: np.ndarray, likeness: float, samples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield draws from 0 to 1, shape (n,): a row has its group's with the square root of `likeness`, else its own."""
    generator = np.random.default_rng(seed)
    _, code = np.unique(groups, return_inverse=True)
    count = int(code.max()) + 1 if len(code) else 0
    for _ in range(samples):
        own = generator.random(len(code))
        if likeness > 0:
            shared = generator.random(count)[code]
            own = np.where(generator.random(len(code)) < np.sqrt(likeness), shared, own)
        yield own


def _likeness(label: np.ndarray, chance: np.ndarray, groups: np.ndarray) -> float:
    """Return the correlation of the residuals of two rows of one group, 0 to 1; 0 where no group has two."""
    spread = np.sqrt(np.maximum(chance * (1 - chance), 1e-12))
    residual = (np.asarray(label, dtype=np.float64) - chance) / spread
    residual -= residual.mean()  # what all rows have in common is an error of the model, not a likeness of groups
    _, code = np.unique(groups, return_inverse=True)
    sizes = np.bincount(code)
    pairs = float((sizes * (sizes - 1)).sum())
    if not pairs:
        return 0.0
    products = np.bincount(code, weights=residual) ** 2 - np.bincount(code, weights=residual**2)
    size = float(np.mean(residual**2))
    return float(np.clip(products.sum() / pairs / size, 0.0, 1.0)) if size > 0 else 0.0
