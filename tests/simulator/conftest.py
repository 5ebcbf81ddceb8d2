"""Simulated shops, made once a session."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from customer_behavior.paths import INCLUDE_DIR
from customer_behavior.simulator import World, changed, load_world, simulate
from simulator.shops import Shop

WORLDS = INCLUDE_DIR / "worlds"


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[World], Shop]:
    """Simulate a world in a folder of its own."""

    def make(world: World, **options) -> Shop:
        out = tmp_path_factory.mktemp("shop")
        simulate(world, out, **options)
        return Shop(world, out)

    return make


@pytest.fixture(scope="session")
def steady(simulated) -> Shop:
    return simulated(changed(load_world(WORLDS / "steady.yaml"), customers=6_000))


@pytest.fixture(scope="session")
def threshold(simulated) -> Shop:
    return simulated(changed(load_world(WORLDS / "threshold.yaml"), customers=6_000))


@pytest.fixture(scope="session")
def shifting(simulated) -> Shop:
    return simulated(changed(load_world(WORLDS / "shifting.yaml"), customers=3_000))
