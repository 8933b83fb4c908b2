"""What runs around wattq: Prometheus with alerts, Alertmanager, Grafana with dashboards, and a compose file for all.

The files lie beside this module and are used as they are; `write_stack` copies them out of an installed wattq.
"""

from __future__ import annotations

from wattq.telemetry.ops.stack import ROLES, stack_files, write_stack

__all__ = ["ROLES", "stack_files", "write_stack"]
