"""The seeds of fuzzing, what it has found, and random bytes go through its targets; `make fuzz` looks for more."""

from __future__ import annotations

import random

import pytest

from fuzz.seeds import FOUND, SEEDS
from fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_what_was_found_end_without_an_exception(name):
    for content in SEEDS[name] + FOUND.get(name, []):
        TARGETS[name](content)


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_seeds_end_without_an_exception(name):
    source = random.Random(name)
    for _ in range(60):
        content = bytearray(source.choice(SEEDS[name]))
        for _ in range(source.randint(1, 4)):
            place = source.randrange(len(content) + 1)
            content[place : place + source.randint(0, 3)] = source.randbytes(source.randint(0, 4))
        TARGETS[name](bytes(content))
