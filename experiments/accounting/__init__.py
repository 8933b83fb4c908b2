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
from wattq.experiments.accounting.estimate import estimate
from wattq.experiments.accounting.history import OVERHEAD, PARTS, PowerHistory, always_on, reconstruct
from wattq.experiments.accounting.meters import MEASURES, Tariff
from wattq.experiments.accounting.output import (
    account_csv,
    account_json,
    account_text,
    decomposition_csv,
    decomposition_json,
    decomposition_text,
)
from wattq.experiments.accounting.owners import GROUPINGS, Owner, owners
from wattq.experiments.accounting.savings import MonthlySaving, Savings, savings, savings_text
from wattq.experiments.accounting.sites import SitesAccount, account_sites, site_hosts, split_history

__all__ = [
    "GROUPINGS",
    "MEASURES",
    "OVERHEAD",
    "PARTS",
    "TERMS",
    "Account",
    "Amounts",
    "Decomposition",
    "Difference",
    "JobAmounts",
    "MonthlySaving",
    "Owner",
    "PowerHistory",
    "Savings",
    "SitesAccount",
    "Tariff",
    "account",
    "account_csv",
    "account_history",
    "account_json",
    "account_sites",
    "account_text",
    "account_week",
    "always_on",
    "decompose",
    "decomposition_csv",
    "decomposition_json",
    "decomposition_text",
    "estimate",
    "owners",
    "reconstruct",
    "savings",
    "savings_text",
    "site_hosts",
    "split_history",
]
