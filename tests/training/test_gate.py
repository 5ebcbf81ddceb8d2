import numpy as np
import pytest

from customer_behavior.settings import Gate
from customer_behavior.targets.outcome import OUTCOMES
from customer_behavior.training.gate import Judged, decide

COUNT = 4000
RATE = 0.3
LABEL = (np.arange(COUNT) % 10 < 10 * RATE).astype(float)
CUSTOMERS = np.arange(COUNT).astype(str)
CHAMPION = np.full(COUNT, RATE)
SETTINGS = Gate(max_loss=0.002, minimum_segment_rows=100)


def gate(challenger, champion=CHAMPION, *, changed=False, weight=None, segments=None, settings=SETTINGS):
    judged = Judged(LABEL, CUSTOMERS, weight, segments or {})
    return decide(
        judged,
        challenger,
        champion,
        "the champion old",
        OUTCOMES["probability"],
        another_procedure=changed,
        settings=settings,
        samples=200,
        seed=1,
    )


@pytest.mark.parametrize(("challenger", "accepted"), [(0.3, True), (0.301, True), (0.36, False)])
def test_it_accepts_what_is_at_most_a_little_worse(challenger, accepted):
    assert gate(np.full(COUNT, challenger)).accepted is accepted


def test_another_procedure_has_to_be_surely_better():
    same, better = CHAMPION, np.where(LABEL == 1, 0.5, 0.2)
    assert gate(same).accepted
    refused = gate(same, changed=True)
    assert not refused.accepted
    assert "its procedure differs from the champion's, and it is not surely better" in refused.reason
    assert gate(better, changed=True, champion=np.full(COUNT, 0.9)).checks["gain"]["passed"]


def test_a_mean_gain_that_chance_explains_is_no_gain():
    # It raises 30 who came true and 45 who did not: a little better on these rows, by luck.
    challenger = CHAMPION.copy()
    challenger[np.flatnonzero(LABEL == 1)[:30]] = 0.4
    challenger[np.flatnonzero(LABEL == 0)[:45]] = 0.4
    refused = gate(challenger, changed=True)
    assert refused.checks["gain"]["low"] < 0 < refused.checks["gain"]["mean"] < refused.checks["gain"]["high"]
    assert not refused.checks["gain"]["passed"]
    assert gate(challenger).checks["gain"]["passed"]


def test_the_reason_has_the_numbers():
    refused = gate(np.full(COUNT, 0.36))
    assert refused.reason.startswith(
        "log loss 0.0080 higher than the champion old on 4000 rows (95 % of the gain: -0.0"
    )
    assert "it may be more than 0.002 worse" in refused.reason
    assert refused.checks["gain"]["mean"] == pytest.approx(-0.0080, abs=1e-4)


def test_without_rows_the_champion_stays():
    empty = np.empty(0)
    judged = Judged(empty, empty)
    refused = decide(
        judged,
        empty,
        empty,
        "old",
        OUTCOMES["probability"],
        another_procedure=False,
        settings=SETTINGS,
        samples=9,
        seed=1,
    )
    assert not refused.accepted


def test_rows_count_as_often_as_they_stand_for():
    challenger = np.where(LABEL == 1, 0.28, 0.27)  # better where nothing came true
    generous = Gate(max_loss=0.002, minimum_segment_rows=100)
    assert gate(challenger, settings=generous).checks["gain"]["passed"]
    heavy = gate(challenger, weight=np.where(LABEL == 1, 100.0, 1.0), settings=generous)
    assert not heavy.checks["gain"]["passed"]


def test_probabilities_that_are_further_off_than_chance_and_the_champion_are_refused():
    # It ranks better than the champion, and promises far too much.
    challenger = np.where(LABEL == 1, 0.75, 0.35)
    refused = gate(challenger)
    assert refused.checks["gain"]["passed"]
    assert not refused.accepted
    assert "its probabilities are 0.320 off on average" in refused.reason
    worse_champion = np.where(LABEL == 1, 0.99, 0.75)
    assert gate(challenger, champion=worse_champion).checks["calibration"]["passed"]


def test_a_champion_that_is_off_excuses_no_more_than_its_own_error():
    champion, challenger = np.full(COUNT, RATE + 0.02), np.full(COUNT, RATE - 0.025)
    check = gate(challenger, champion=champion).checks["calibration"]
    assert max(check["champion"], check["chance"]) < check["challenger"] < check["champion"] + check["chance"]
    assert not check["passed"]
    assert gate(np.full(COUNT, RATE + 0.019), champion=champion).checks["calibration"]["passed"]


def test_a_segment_that_is_surely_worse_blocks_and_is_named():
    random = np.random.default_rng(0)
    few = np.arange(COUNT) < 400
    truth = np.where(LABEL == 1, 0.6, 0.2)
    challenger = np.where(few, 0.3 + 0.2 * (random.random(COUNT) < 0.5), np.where(LABEL == 1, 0.62, 0.19))
    refused = gate(challenger, champion=truth, segments={"new customers": few, "the others": ~few})
    assert not refused.checks["segments"]["passed"]
    assert next(iter(refused.checks["segments"]["gain_high"])) == "new customers"
    assert "it is worse for new customers" in refused.reason
    small = Gate(max_loss=0.002, minimum_segment_rows=401)
    assert gate(challenger, champion=truth, segments={"new customers": few}, settings=small).checks["segments"][
        "passed"
    ]
