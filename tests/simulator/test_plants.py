"""What is planted is in the files, and what is not planted is not: measured from the files alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from simulator.shops import world_of


def looked_at(shop) -> pd.DataFrame:
    """One row for each product that a visit looked at: its price, and whether it was bought in that visit."""
    events = shop.events
    seen = events[events.type == "view"].groupby(["session", "product"], as_index=False).price.first()
    bought = events[events.type == "purchase"][["session", "product"]].drop_duplicates().assign(bought=True)
    found = seen.merge(bought, on=["session", "product"], how="left")
    return found.assign(bought=found.bought.eq(True))


def best_split(prices: np.ndarray, bought: np.ndarray) -> float:
    """Return the price at which to cut in two so that the log-likelihood of buying is best."""
    order = np.argsort(prices)
    price, sold = prices[order], np.cumsum(bought[order])
    below = np.arange(1, len(price))
    above = len(price) - below

    def likelihood(k, n):
        share = np.clip(k / n, 1e-9, 1 - 1e-9)
        return k * np.log(share) + (n - k) * np.log(1 - share)

    total = likelihood(sold[:-1], below) + likelihood(sold[-1] - sold[:-1], above)
    usable = (below > 0.02 * len(price)) & (above > 0.02 * len(price)) & (price[1:] > price[:-1])
    return float(price[:-1][usable][np.argmax(total[usable])])


def conversion(found: pd.DataFrame, low: float, high: float) -> float:
    return found.bought[(found.price > low) & (found.price <= high)].mean()


def test_buying_drops_at_the_planted_price(threshold):
    found = looked_at(threshold)
    assert best_split(found.price.to_numpy(), found.bought.to_numpy()) == pytest.approx(124.60, rel=0.05)
    assert conversion(found, 124.60, 180) < 0.4 * conversion(found, 85, 124.60)


def test_no_price_matters_where_none_is_planted(steady):
    found = looked_at(steady)
    assert conversion(found, 124.60, 180) == pytest.approx(conversion(found, 85, 124.60), rel=0.15)
    cuts = found.price.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).tolist()
    for cut in cuts:
        assert conversion(found, cut, np.inf) == pytest.approx(conversion(found, 0, cut), rel=0.25)


def people(shop) -> pd.DataFrame:
    truth = pd.read_csv(shop.out / "truth" / "customers.csv", dtype=str)
    return shop.sessions[~shop.sessions.customer.isin(truth.user_id[truth.bot == "true"])]


def test_the_peak_hours_are_those_of_the_shops_clock(threshold, steady):
    visits = people(threshold)
    peak = visits.hour.isin([18, 19, 20])
    assert peak.mean() == pytest.approx(3 * 2.5 / (3 * 2.5 + 21), rel=0.03)
    assert visits.bought[peak].mean() / visits.bought[~peak].mean() == pytest.approx(1.5, rel=0.12)
    by_hour = steady.sessions.groupby("hour").size()
    assert by_hour.max() < 1.1 * by_hour.min()


def test_bots_view_at_equal_intervals_and_never_buy(threshold):
    views = threshold.events[threshold.events.type == "view"]
    gaps = views.time.groupby(views.session).diff().dt.total_seconds()
    regular = gaps.groupby(views.session).agg(["nunique", "size"]).query("size >= 20 and nunique == 1").index
    bots = views[views.session.isin(regular)].customer.unique()
    assert len(bots) == threshold.manifest["customers"]["bots"] > 10
    assert not (threshold.events.customer.isin(bots) & (threshold.events.type != "view")).any()
    assert (views[views.customer.isin(bots)].groupby(["customer", "day"]).size() == 60).all()


def test_anonymous_visits_have_a_session_and_no_customer(threshold, steady):
    visits = people(threshold)
    assert visits.customer.isna().mean() == pytest.approx(0.05 * (1 - visits.bought.mean()), rel=0.1)
    assert not steady.events.customer.isna().any()


def test_contacts_lift_the_treated_and_not_the_held_out(simulated):
    actions = {"voucher": 3.0, "newsletter": 1.0}
    model = {"population": 4_000, "visits_per_week": 3}
    shop = simulated(world_of(customers=model, treatment={"actions": actions, "daily_share": 0.05, "holdout": 0.5}))
    contacts = pd.concat(pd.read_csv(path, dtype=str) for path in sorted((shop.out / "contacts").glob("*.csv")))
    contacts["contacted"] = pd.to_datetime(contacts.contact_time.str[:10])
    visits = shop.sessions.merge(contacts, left_on="customer", right_on="user_id")
    ago = (pd.to_datetime(visits.day) - visits.contacted).dt.days
    rate = visits[ago.between(1, 7)].groupby(["action", "arm"]).bought.mean()
    assert rate["voucher", "treated"] / rate["voucher", "holdout"] == pytest.approx(3.0, rel=0.2)
    assert rate["newsletter", "treated"] / rate["newsletter", "holdout"] == pytest.approx(1.0, rel=0.2)
    told = {arm: sum(day[arm] for day in shop.manifest["contacts"].values()) for arm in ("treated", "holdout")}
    assert told == contacts.arm.value_counts().to_dict()


def test_contacts_can_be_given(simulated, tmp_path):
    given = tmp_path / "contacts.csv"
    rows = [f"2024-03-01,{500_000_000 + n},voucher,{'holdout' if n % 2 else 'treated'}" for n in range(2_000)]
    given.write_text("\n".join(["date,user_id,action,arm", *rows]))
    model = {"population": 2_000, "visits_per_week": 7}
    treatment = {"actions": {"voucher": 4.0}, "effect_days": 30, "contacts": str(given)}
    shop = simulated(world_of(customers=model, treatment=treatment))
    visits = shop.sessions[pd.to_datetime(shop.sessions.day) > "2024-03-01"]
    visits = visits[visits.customer.astype(int) < 500_002_000]
    odd = visits.customer.astype(int) % 2 == 1
    assert visits.bought[~odd].mean() / visits.bought[odd].mean() == pytest.approx(4.0, rel=0.2)
    assert next(iter(shop.manifest["contacts"].values())) == {"treated": 1_000, "holdout": 1_000}


def test_a_risky_segment_is_seen_in_the_files_as_the_manifest_says(shifting):
    visits, date = shifting.sessions, pd.Timestamp("2024-03-01")
    after = pd.to_datetime(visits.day) >= date
    rates = {}
    for when, part in (("before", visits[~after]), ("after", visits[after])):
        main = part.groupby("customer").device.agg(lambda devices: devices.mode().iloc[0])
        inside = part.customer.map(main) == "tablet"
        rates[when] = part.bought[inside].mean() / part.bought[~inside].mean()
        assert (main == "tablet").mean() > 0.1
    assert rates["before"] == pytest.approx(1.0, rel=0.25)
    assert rates["after"] / rates["before"] < 0.5
    told = shifting.manifest["measured"]["risky_segments"]["tablet"]
    assert told["share"] >= 0.03
    assert told["change_in_orders_per_session_beside_others"] < 0.5
    assert told["change_in_orders_per_customer_day_beside_others"] < 0.5


def test_traffic_and_prices_shift_on_the_date(shifting, steady):
    events, date = shifting.events, pd.Timestamp("2024-03-06")
    after = pd.to_datetime(shifting.sessions.day) >= date
    for dimension, value, before, later in (("device", "mobile", 0.45, 0.6), ("channel", "paid", 0.2, 0.4)):
        shares = (shifting.sessions[dimension] == value).groupby(after).mean()
        assert shares[False] == pytest.approx(before, abs=0.05)
        assert shares[True] > later
    assert set(shifting.sessions.country[~after]) == {"DE", "AT", "CH", "FR"}
    assert (shifting.sessions.country[after] == "PL").mean() > 0.05
    views = events[events.type == "view"]
    late = pd.to_datetime(views.day) >= date
    change = views[late].groupby("product").price.median() / views[~late].groupby("product").price.median()
    assert change.median() == pytest.approx(1.25, rel=0.01)
    half = pd.to_datetime(steady.sessions.day) >= date
    shares = (steady.sessions.device == "mobile").groupby(half).mean()
    assert shares[True] == pytest.approx(shares[False], abs=0.03)


def test_some_who_came_often_never_come_again(steady):
    visits, day = steady.sessions, pd.to_datetime(steady.sessions.day)
    early = visits[day < "2024-01-31"].groupby("customer").size()
    often = set(early.index[early >= 8])
    seen_last = set(visits.customer[day >= "2024-04-02"])
    assert 0.1 < len(often - seen_last) / len(often) < 0.6


def test_customers_buy_again_by_habit(steady):
    bought = steady.events[steady.events.type == "purchase"]
    day = pd.to_datetime(bought.day)
    cut = pd.Timestamp("2024-03-25")
    past, future = bought[day < cut], set(bought.customer[day >= cut])
    recent = set(bought.customer[(day < cut) & (day >= cut - pd.Timedelta(days=28))])
    old = set(past.customer) - recent
    orders = past.groupby("customer").session.nunique()
    frequent, once = set(orders.index[orders >= 3]), set(orders.index[orders == 1])

    def again(group):
        return len(group & future) / len(group)

    assert again(recent) > 1.3 * again(old)
    assert again(frequent) > 1.3 * again(once)
    repeated = bought.groupby(["customer", "product"]).session.nunique()
    assert (repeated > 1).sum() > 0.02 * len(repeated)
