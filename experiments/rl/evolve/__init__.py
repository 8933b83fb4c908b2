"""Learning `eco`'s network by evolution on the tuning weeks of a study."""

from __future__ import annotations

from wattq.experiments.rl.evolve.file import EvolveFile, find_evolve, load_evolve
from wattq.experiments.rl.evolve.search import Progress, evolve

__all__ = ["EvolveFile", "Progress", "evolve", "find_evolve", "load_evolve"]
