"""What the shop sells: products in the order of their price, so that a range of prices is a range of numbers."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_behavior.simulator.world import Catalogue

TIERS = 8
DEPARTMENTS = ("electronics", "appliances", "apparel", "furniture", "sport", "kids", "auto", "garden")


@dataclass
class Products:
    """The catalogue; product 0 is the cheapest on the first day.

    Attributes
    ----------
    cents : ndarray of int64, shape (products,)
        Today's price.
    cumulative : ndarray, shape (products + 1,)
        Cumulative popularity, 0 to 1.
    tier_edges : ndarray, shape (TIERS + 1,)
        Where tiers of equally many products lie in `cumulative`.
    by_category, place, first, last : ndarrays of int
        Products by category and price; where a product stands there; the first and last place of its category.
    """

    ids: pa.Array
    category_ids: pa.Array
    category_codes: pa.Array
    brands: pa.Array
    category: np.ndarray
    cents: np.ndarray
    first_cents: np.ndarray
    cost: np.ndarray
    stock: np.ndarray
    cumulative: np.ndarray
    tier_edges: np.ndarray
    by_category: np.ndarray
    place: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def __len__(self) -> int:
        return len(self.cents)

    def pick(
        self, low: np.ndarray | float, high: np.ndarray | float, rng: np.random.Generator, size: int
    ) -> np.ndarray:
        """Return products drawn by popularity from ranges of the cumulative popularity."""
        drawn = np.searchsorted(self.cumulative, low + rng.random(size) * (high - low), side="right") - 1
        return np.clip(drawn, 0, len(self) - 1)

    def near(self, products: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a product of the same category and about the same price for each; never the same if there is another."""
        step = rng.integers(1, 6, len(products)) * rng.choice(np.array([-1, 1]), len(products))
        place, first, last = self.place[products], self.first[products], self.last[products]
        moved = np.where((place + step < first) | (place + step > last), place - step, place + step)
        moved = np.clip(moved, first, last)
        moved = np.where(moved == place, np.where(place < last, place + 1, place - 1), moved)
        return self.by_category[np.clip(moved, first, last)]

    def reprice(self, share: float, rng: np.random.Generator) -> np.ndarray:
        """Change the prices and stocks of some products; return which."""
        some = np.flatnonzero(rng.random(len(self)) < share)
        self.cents[some] = np.maximum(np.rint(self.cents[some] * rng.uniform(0.9, 1.1, len(some))).astype(np.int64), 1)
        self.stock[some] = rng.integers(0, 500, len(some))
        return some

    def multiply_prices(self, factor: float) -> None:
        """Change all prices by a factor."""
        self.cents = np.maximum(np.rint(self.cents * factor).astype(np.int64), 1)

    def text(self) -> pa.Array:
        """Return product_id,category_id,category_code,brand,price of each product."""
        return pc.binary_join_element_wise(
            self.ids, self.category_ids, self.category_codes, self.brands, money(self.cents), ","
        )


def money(cents: np.ndarray) -> pa.Array:
    """Return amounts as text with two decimals."""
    return pa.array([f"{amount // 100}.{amount % 100:02d}" for amount in cents.tolist()], pa.string())


def draw_products(catalogue: Catalogue, rng: np.random.Generator) -> Products:
    """Return the catalogue of the first day."""
    count = catalogue.products
    cents = np.maximum(np.rint(100 * rng.lognormal(np.log(catalogue.median_price), catalogue.price_spread, count)), 1)
    cents = np.sort(cents).astype(np.int64)
    weight = (1 + rng.permutation(count)) ** -catalogue.popularity
    cumulative = np.concatenate([[0.0], np.cumsum(weight) / weight.sum()])
    category = rng.permutation(np.arange(count) % catalogue.categories)
    by_category = np.lexsort((np.arange(count), category))
    place = np.empty(count, np.int64)
    place[by_category] = np.arange(count)
    edges = np.searchsorted(category[by_category], np.arange(catalogue.categories + 1))
    codes = [f"{DEPARTMENTS[number % len(DEPARTMENTS)]}.kind{number:03d}" for number in range(catalogue.categories)]
    brand = rng.integers(0, max(count // 20, 1), count)
    return Products(
        ids=pa.array([str(number) for number in rng.permutation(count) + 1_000_000], pa.string()),
        category_ids=pa.array([str(2_053_013_000_000_000_000 + int(number)) for number in category], pa.string()),
        category_codes=pa.array([codes[number] for number in category], pa.string()),
        brands=pa.array([f"brand{number:03d}" for number in brand], pa.string()),
        category=category,
        cents=cents,
        first_cents=cents.copy(),
        cost=np.maximum(np.rint(cents * rng.uniform(0.4, 0.75, count)).astype(np.int64), 1),
        stock=rng.integers(0, 500, count),
        cumulative=cumulative,
        tier_edges=cumulative[np.arange(TIERS + 1) * count // TIERS],
        by_category=by_category,
        place=place,
        first=edges[category],
        last=edges[category + 1] - 1,
    )
