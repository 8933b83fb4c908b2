"""Pictures of runs: Gantt, lifecycle, machine states, utilisation, queue, power, slowdown, bars."""

from wattq.experiments.plots.comparison import Bar, bars_figure, slowdown_figure
from wattq.experiments.plots.gantt import gantt_figure
from wattq.experiments.plots.lifecycle import lifecycle_figure
from wattq.experiments.plots.style import policy_colors, render
from wattq.experiments.plots.timeline import machine_states_figure, power_figure, queue_figure, utilisation_figure

__all__ = [
    "Bar",
    "bars_figure",
    "gantt_figure",
    "lifecycle_figure",
    "machine_states_figure",
    "policy_colors",
    "power_figure",
    "queue_figure",
    "render",
    "slowdown_figure",
    "utilisation_figure",
]
