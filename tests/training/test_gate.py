import numpy as np
import pytest

from customer_behavior.training.gate import decide

LABEL = np.r_[np.ones(20), np.zeros(80)]
CHAMPION = np.full(100, 0.2)


@pytest.mark.parametrize(("challenger", "accepted"), [(0.2, True), (0.21, True), (0.3, False)])
def test_it_accepts_what_is_at_most_a_little_worse(challenger, accepted):
    decision = decide(LABEL, np.full(100, challenger), CHAMPION, "old", allowed=0.002)
    assert decision.accepted is accepted


def test_the_reason_has_the_numbers():
    decision = decide(LABEL, np.full(100, 0.3), CHAMPION, "old", allowed=0.002)
    assert decision.reason == (
        "log loss 0.5261 against 0.5004 of the champion old on the same 100 rows: more than 0.002 worse"
    )


def test_without_rows_the_champion_stays():
    empty = np.empty(0)
    assert not decide(empty, empty, empty, "old", allowed=1).accepted


def test_rows_count_as_often_as_they_stand_for():
    challenger = np.where(LABEL == 1, 0.2, 0.1)  # better where nothing came true
    weight = np.where(LABEL == 1, 100.0, 1.0)
    worse = np.where(LABEL == 1, 0.15, 0.1)
    assert decide(LABEL, worse, CHAMPION, "old", allowed=0.002).accepted
    assert not decide(LABEL, worse, CHAMPION, "old", allowed=0.002, weight=weight).accepted
    assert decide(LABEL, challenger, CHAMPION, "old", allowed=0.002, weight=weight).accepted
