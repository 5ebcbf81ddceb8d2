"""What a reason says of a score adds up to that score, whatever the calibrator."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import logit

from customer_behavior.models.calibration import Calibrator, Isotonic, LogLine, Platt

SHARE = st.floats(-1, 1, width=32)


def isotonic(draws: list[float], margins: list[float]) -> Isotonic:
    return Isotonic(0.8, tuple(sorted(margins)), tuple(sorted(draws)))


steps = st.integers(2, 8).flatmap(
    lambda count: st.builds(
        isotonic,
        st.lists(st.floats(0.001, 0.999), min_size=count, max_size=count),
        st.lists(st.integers(-500, 500).map(lambda cents: cents / 100), min_size=count, max_size=count, unique=True),
    )
)
lines = st.builds(Platt, st.floats(0.1, 3), st.floats(-2, 2))
amounts = st.builds(LogLine, st.floats(0.1, 3), st.floats(-2, 2))


@given(st.one_of(steps, lines, amounts), arrays(np.float64, (20, 4), elements=SHARE), st.floats(-1, 1))
def test_contributions_add_up_to_the_score(calibrator: Calibrator, shares: np.ndarray, base: float):
    margin = base + shares.sum(axis=1)
    scale = np.log if isinstance(calibrator, LogLine) else logit
    without = scale(calibrator.predict(margin - shares.sum(axis=1)))
    found = calibrator.contributions(margin, shares)
    assert without + found.sum(axis=1) == pytest.approx(scale(calibrator.predict(margin)), abs=1e-5)
    assert (found * shares >= 0).all(), "what raises the margin never lowers the score"


def test_a_step_that_does_not_tell_two_margins_apart_gives_no_reason():
    flat = Isotonic(1.0, (-1.0, 1.0, 2.0), (0.2, 0.2, 0.9))
    found = flat.contributions(np.array([0.5, 2.0]), np.array([[0.5, 0.25], [1.0, 1.0]]))
    assert found[0] == pytest.approx([0, 0])
    assert found[1] == pytest.approx([(logit(0.9) - logit(0.2)) / 2] * 2)
