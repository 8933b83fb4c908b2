"""Quality of service: classes of jobs with priorities, limits and preemption, in Slurm's words."""

from __future__ import annotations

from wattq.schedulers.qos.policy import Qos
from wattq.schedulers.qos.table import QosClass, QosTable, read_table

__all__ = ["Qos", "QosClass", "QosTable", "read_table"]
