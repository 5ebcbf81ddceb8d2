"""What tests of session snapshots share."""

from __future__ import annotations

from datetime import date

import pytest
import yaml

from customer_behavior.features import sessions
from customer_behavior.settings import load_settings
from support import small_shop
from support.visited_shop import DAY, load, taken
from support.visits import MAX_EVENTS, MAX_ORDERS, STAFF


@pytest.fixture
def visited_shop(warehouse, tmp_path, monkeypatch):
    """Put events in place of all there are, rolled up, and build a day; return its rows by session and moment."""
    for name, value in small_shop.configure(tmp_path).items():
        monkeypatch.setenv(name, value)
    settings = tmp_path / "config" / "shop.yaml"
    limits = {"max_events_per_day": MAX_EVENTS, "max_orders_per_day": MAX_ORDERS}
    settings.write_text(yaml.safe_dump({**yaml.safe_load(settings.read_text()), "staff": list(STAFF), "bots": limits}))

    def build(events: list[dict], day: date = DAY) -> list[dict]:
        load(warehouse, events, day)
        written = sessions.build(warehouse, load_settings(), day)
        rows = taken(warehouse, day)
        assert len(rows) == written
        return rows

    return build
