"""A shop simulator: a world in YAML becomes daily files and the truth about them. See docs/simulator.md."""

from customer_behavior.simulator.run import Simulated, simulate
from customer_behavior.simulator.world import World, changed, load_world

__all__ = ["Simulated", "World", "changed", "load_world", "simulate"]
