"""Foreign currency: amounts are converted by dated rates; without one a row is refused; own currency needs none."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from customer_behavior.cli import main
from customer_behavior.errors import BadInputError, ConfigurationError
from customer_behavior.ingest.rates import exchange_of, read_rates
from customer_behavior.ingest.source import Source
from customer_behavior.settings import load_shop
from support import small_shop
from support.small_shop import line

DAY = date(2024, 3, 5)
RATES = (
    "day,currency,rate\n2024-02-01,EUR,9\n2024-03-04,EUR,1.25\n2024-03-06,EUR,7\n2024-02-26,GBP,2\n2024-02-27,CHF,3\n"
)
PRICES = "SELECT customer_id, price, discount FROM raw.events ORDER BY 1"
REJECTS = "SELECT line, reason, detail FROM raw.rejected_events ORDER BY 1"
BY_ROW = {"columns": {**small_shop.SOURCE_FILE["columns"], "currency": "group"}, "reject_limit": 1.0}


def use_rates(landing: Path, text: str | None, **source) -> None:
    small_shop.configure(landing.parent, source)
    if text is not None:
        (landing / "rates.csv").write_text(text)
        path = landing.parent / "config" / "shop.yaml"
        shop = yaml.safe_load(path.read_text())
        path.write_text(yaml.safe_dump({**shop, "exchange_rates": {"path": "rates.csv", "max_age_days": 7}}))


def of(customer: str, currency: str, **rest) -> dict:
    return line(f"{DAY} 10:00:00", customer, price=rest.pop("price", "4"), off=rest.pop("off", "2"), group=currency)


def test_a_source_in_a_foreign_currency_is_converted_by_the_newest_rate(landing, load, query):
    use_rates(landing, RATES, currency="EUR")
    small_shop.land(landing, DAY, [of("a", "")])
    load(DAY)
    assert query(PRICES) == [("a", 5, 2.5)]


def test_each_row_is_converted_from_its_own_currency(landing, load, query):
    use_rates(landing, RATES, **BY_ROW)
    small_shop.land(
        landing, DAY, [of("a", "eur"), of("b", "USD"), of("c", ""), of("d", "CHF"), of("e", "GBP"), of("f", "€")]
    )
    load(DAY)
    assert query(PRICES) == [("a", 5, 2.5), ("b", 4, 2), ("c", 4, 2), ("d", 12, 6)]
    (old, unknown) = query(REJECTS)
    assert old[:2] == (6, "currency_without_rate")
    assert "'GBP on 2024-03-05': no rate of that day or the 7 days before it; add one to rates.csv" in old[2]
    assert unknown[:2] == (7, "currency_unreadable")


def test_a_row_without_an_amount_needs_no_rate(landing, load, query):
    use_rates(landing, RATES, **BY_ROW)
    small_shop.land(landing, DAY, [{**of("a", "JPY"), "price": "", "off": ""}])
    load(DAY)
    assert query(REJECTS) == []
    assert query("SELECT price FROM raw.events") == [(None,)]


def test_a_rate_restated_changes_amounts_and_no_id(landing, load, query):
    use_rates(landing, RATES, **BY_ROW)
    small_shop.land(landing, DAY, [of("a", "EUR"), of("a", "USD"), of("a", "EUR", price="8")])
    ids = "SELECT event_id FROM raw.events ORDER BY 1"
    load(DAY)
    before = query(ids)
    use_rates(landing, RATES.replace("1.25", "1.5"), **BY_ROW)
    load(DAY)
    assert query(ids) == before
    assert query("SELECT price FROM raw.events ORDER BY 1") == [(4,), (6,), (12,)]


def test_equal_amounts_in_two_currencies_are_two_events(landing, load, query):
    use_rates(landing, RATES.replace("1.25", "1"), **BY_ROW)
    small_shop.land(landing, DAY, [of("a", "EUR"), of("a", "USD")])
    load(DAY)
    assert [("-" in event_id) for (event_id,) in query("SELECT event_id FROM raw.events")] == [False, False]


def test_a_source_in_the_shops_currency_is_not_joined_with_rates(landing):
    use_rates(landing, RATES)
    source = Source.model_validate({"name": "till", **small_shop.SOURCE_FILE})
    assert exchange_of(source, load_shop(), landing) is None


def test_a_foreign_source_without_rates_says_what_to_name(landing, load):
    use_rates(landing, None, currency="EUR")
    small_shop.land(landing, DAY, [of("a", "")])
    with pytest.raises(
        ConfigurationError, match=r"till\.yaml: currency is EUR, the shop's is USD; name a file of rates"
    ):
        load(DAY)


def test_foreign_rows_without_a_file_of_rates_are_refused_alone(landing, load, query):
    use_rates(landing, None, **BY_ROW)
    small_shop.land(landing, DAY, [of("a", "EUR"), of("b", "USD")])
    load(DAY)
    assert query(PRICES) == [("b", 4, 2)]
    assert "name a file of rates under exchange_rates in shop.yaml" in query(REJECTS)[0][2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("day,currency\n", r"rates\.csv line 1: no column 'rate'"),
        ("", r"rates\.csv line 1: no column 'day'"),
        ("day,currency,rate\n5.3.2024,EUR,1\n", r"line 2: day is '5\.3\.2024'; write it like"),
        ("day,currency,rate\n2024-03-05,Euro,1\n", r"line 2: currency is 'Euro'; write its three letters"),
        ("day,currency,rate\n2024-03-05,EUR,1\n2024-03-06,EUR,much\n", r"line 3: rate is 'much'; write a number"),
        ("day,currency,rate\n2024-03-05,EUR,0\n", r"line 2: rate is '0'; a rate is more than 0"),
        ("day,currency,rate\n2024-03-05,EUR,nan\n", r"line 2: rate is 'nan'; a rate is more than 0"),
        ("day,currency,rate\n2024-03-05,EUR\n", r"line 2: rate is ''; write a number"),
        ("day,currency,rate\n2024-03-05,EUR,1\n2024-03-05,EUR,1\n", r"line 3: EUR on 2024-03-05 stands on line 2 already"),
    ],
)  # fmt: skip
def test_a_wrong_file_of_rates_is_named_with_its_line(tmp_path, text, message):
    (tmp_path / "rates.csv").write_text(text)
    with pytest.raises(BadInputError, match=message):
        read_rates(tmp_path / "rates.csv")


def test_a_file_of_rates_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadInputError, match=r"rates\.csv: the exchange rates cannot be read"):
        read_rates(tmp_path / "rates.csv")


def test_checking_a_file_converts_it_too(landing, capsys):
    use_rates(landing, RATES, **BY_ROW)
    path = small_shop.land(landing, DAY, [of("a", "EUR"), of("b", "GBP")])
    main(["check-source", "--source", "till", "--file", str(path)])
    said = capsys.readouterr().out
    assert "price=5.0000000000" in said
    assert "currency_without_rate" in said
