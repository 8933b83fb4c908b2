"""wattq: energy- and carbon-aware scheduling of HPC batch jobs.

The rooms are sub-packages (``wattq.platforms``, ``wattq.workloads``, ``wattq.simulator``, ...); importing
``wattq`` itself loads none of them.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
