"""Changing single keys of shop.yaml, its comments kept."""

import re
from collections.abc import Mapping

import yaml

from customer_behavior.errors import ConfigurationError

DEMONSTRATION = "complete_journey"


def with_source(sources: tuple[str, ...], name: str) -> list[str]:
    """Return the active sources with a new one; it takes the place of the demonstration, whose days no shop has."""
    return [one for one in sources if one not in (DEMONSTRATION, name)] + [name]


def changed_shop(text: str, changes: Mapping[str, str | list[str]]) -> str:
    """Return the text of shop.yaml with the values of some keys replaced.

    Raises
    ------
    ConfigurationError
        When a key is not written on one line, or more than it would change; the message says what to write by hand.
    """
    before = yaml.safe_load(text)
    for key, value in changes.items():
        if before.get(key) != value:
            text = _replaced(text, key, yaml.safe_dump(value, default_flow_style=True, width=10_000).splitlines()[0])
    try:
        after = yaml.safe_load(text)
    except yaml.YAMLError:
        after = None
    if after != {**before, **changes}:
        by_hand = ", ".join(
            f"{key}: {yaml.safe_dump(value, default_flow_style=True).splitlines()[0]}" for key, value in changes.items()
        )
        raise ConfigurationError(
            f"shop.yaml is not written in a way that can be changed here; write by hand: {by_hand}"
        )
    return text


def _replaced(text: str, key: str, shown: str) -> str:
    """Return the text with the value of a key on the outermost level replaced, or the key added; its comment stays behind it."""
    value = r"(?:[ \t]+(?:\[[^\]\n]*\]|[^\s#\[{][^#\n]*?))?"
    listed = r"(?:\n[ \t]*- .*)*"
    text, found = re.subn(
        rf"(?m)^{key}:{value}([ \t]*(?:#.*)?)$({listed})", lambda match: f"{key}: {shown}{match[1]}", text, count=1
    )
    return text if found else f"{text.rstrip()}\n{key}: {shown}\n"
