"""Energy, cost and carbon of finished runs, by part, job, user and class, and why two runs differ."""

from __future__ import annotations

from wattq.experiments.accounting.account import (
    Account,
    Amounts,
    JobAmounts,
    account,
    account_history,
    account_week,
)
from wattq.experiments.accounting.decompose import TERMS, Decomposition, Difference, decompose
from wattq.experiments.accounting.history import OVERHEAD, PARTS, PowerHistory, reconstruct
from wattq.experiments.accounting.meters import MEASURES, Tariff

__all__ = [
    "MEASURES",
    "OVERHEAD",
    "PARTS",
    "TERMS",
    "Account",
    "Amounts",
    "Decomposition",
    "Difference",
    "JobAmounts",
    "PowerHistory",
    "Tariff",
    "account",
    "account_history",
    "account_week",
    "decompose",
    "reconstruct",
]
