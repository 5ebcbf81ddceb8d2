import numpy as np
import pytest

from customer_behavior.settings import Gate
from customer_behavior.targets.outcome import OUTCOMES
from customer_behavior.training.gate import Judged, decide, surely_better

COUNT = 4000
RATE = 0.3
LABEL = (np.arange(COUNT) % 10 < 10 * RATE).astype(float)
CUSTOMERS = np.arange(COUNT).astype(str)
CHAMPION = np.full(COUNT, RATE)
SETTINGS = Gate(max_loss=0.004, minimum_segment_rows=100)


def gate(challenger, champion=CHAMPION, *, surely=False, weight=None, segments=None, settings=SETTINGS):
    judged = Judged(LABEL, CUSTOMERS, weight, segments or {})
    return decide(
        judged,
        challenger,
        champion,
        "the champion old",
        OUTCOMES["probability"],
        surely=surely,
        settings=settings,
        samples=200,
        seed=1,
    )


@pytest.mark.parametrize(("challenger", "accepted"), [(0.3, True), (0.301, True), (0.36, False)])
def test_it_accepts_what_is_at_most_a_little_worse(challenger, accepted):
    assert gate(np.full(COUNT, challenger)).accepted is accepted


def test_a_fallback_has_to_be_surely_better():
    same = gate(CHAMPION, surely=True)
    assert not same.accepted
    assert "it is a fallback, and not surely better" in same.reason
    assert gate(CHAMPION, champion=np.full(COUNT, 0.4), surely=True).accepted


def search(searched, kept=CHAMPION):
    return surely_better(Judged(LABEL, CUSTOMERS), searched, kept, OUTCOMES["probability"], samples=200, seed=1)


def test_what_a_search_found_has_to_be_surely_better():
    same, better = CHAMPION, np.where(LABEL == 1, 0.5, 0.2)
    left = search(same)
    assert not left.accepted
    assert left.reason.startswith("what the search found is not surely better, and left: log loss 0.0000 lower")
    assert search(better).accepted


def test_a_mean_gain_that_chance_explains_is_no_gain():
    # It raises 30 who came true and 45 who did not: a little better on these rows, by luck.
    challenger = CHAMPION.copy()
    challenger[np.flatnonzero(LABEL == 1)[:30]] = 0.4
    challenger[np.flatnonzero(LABEL == 0)[:45]] = 0.4
    left = search(challenger)
    assert left.checks["search"]["low"] < 0 < left.checks["search"]["mean"] < left.checks["search"]["high"]
    assert not left.accepted
    assert gate(challenger).checks["gain"]["passed"]


def test_newer_and_no_surely_worse_is_good_enough_however_few_the_rows_are():
    random = np.random.default_rng(2)
    champion = random.uniform(0.05, 0.95, 200)
    label = (random.random(200) < champion).astype(float)
    challenger = np.clip(champion + random.normal(0, 0.03, 200), 0.01, 0.99)
    judged = Judged(label, np.arange(200).astype(str))
    found = decide(judged, challenger, champion, "old", OUTCOMES["probability"], settings=SETTINGS, samples=200, seed=1)
    gain = found.checks["gain"]
    assert gain["low"] < gain["limit"], "200 rows were to be too few to show that it is no worse"
    assert gain["passed"]


@pytest.mark.parametrize("factor", [1.02, 1.2])
def test_amounts_in_cents_get_the_same_decision(factor):
    random = np.random.default_rng(3)
    expected = random.gamma(2.0, 20.0, COUNT)
    label = np.where(random.random(COUNT) < 0.5, 0.0, 2 * expected * random.gamma(2.0, 0.5, COUNT))
    segments = {"new": np.arange(COUNT) < 1000}
    decisions = [
        decide(
            Judged(unit * label, CUSTOMERS, segments=segments), unit * factor * expected, unit * expected, "old",
            OUTCOMES["amount"], settings=SETTINGS, samples=200, seed=1,
        )
        for unit in (1.0, 100.0)
    ]  # fmt: skip
    assert decisions[0].accepted is decisions[1].accepted is (factor == 1.02)
    assert decisions[0].checks["segments"]["gain_high"] == pytest.approx(decisions[1].checks["segments"]["gain_high"])


def test_the_reason_has_the_numbers():
    refused = gate(np.full(COUNT, 0.36))
    assert refused.reason.startswith(
        "log loss 0.0080 higher than the champion old on 4000 rows (95 % of the gain: -0.0"
    )
    assert "it is surely worse, and may be so by more than 0.0024" in refused.reason
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
        settings=SETTINGS,
        samples=9,
        seed=1,
    )
    assert not refused.accepted


def test_rows_count_as_often_as_they_stand_for():
    challenger = np.where(LABEL == 1, 0.28, 0.27)  # better where nothing came true
    generous = Gate(max_loss=0.004, minimum_segment_rows=100)
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


def test_a_challenger_is_refused_for_its_calibration_where_it_is_surely_further_off_than_the_champion():
    champion = np.full(COUNT, RATE + 0.02)
    for off, passed in (
        (0.019, True),
        (-0.025, True),
        (-0.05, False),
    ):  # of the second, chance tells which is further off
        check = gate(np.full(COUNT, RATE + off), champion=champion).checks["calibration"]
        assert check["challenger"] == pytest.approx(abs(off))
        assert check["passed"] is passed
    assert max(check["champion"], check["chance"]) < check["challenger"]


def test_a_segment_that_is_surely_worse_blocks_and_is_named():
    random = np.random.default_rng(0)
    few = np.arange(COUNT) < 400
    truth = np.where(LABEL == 1, 0.6, 0.2)
    challenger = np.where(few, 0.3 + 0.2 * (random.random(COUNT) < 0.5), np.where(LABEL == 1, 0.62, 0.19))
    refused = gate(challenger, champion=truth, segments={"new customers": few, "the others": ~few})
    assert not refused.checks["segments"]["passed"]
    assert next(iter(refused.checks["segments"]["gain_high"])) == "new customers"
    assert "it is worse for new customers" in refused.reason
    small = Gate(max_loss=0.004, minimum_segment_rows=401)
    assert gate(challenger, champion=truth, segments={"new customers": few}, settings=small).checks["segments"][
        "passed"
    ]
