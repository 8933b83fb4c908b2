"""Placement over several sites: a job runs within one of them, where the grid is expected to be best."""

from __future__ import annotations

from wattq.schedulers.sites.policy import Sites
from wattq.schedulers.sites.site import Site, site_numbers

__all__ = ["Site", "Sites", "site_numbers"]
