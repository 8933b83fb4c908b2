"""The numbers by which compiled code tells the built-in policies apart."""

from __future__ import annotations

__all__ = ["CONSERVATIVE", "EASY", "EASY_BF", "EASY_FAST", "FAIR_SHARE", "FCFS", "FILLER", "GREEN"]

FCFS, FILLER, EASY, EASY_FAST, EASY_BF, CONSERVATIVE, FAIR_SHARE, GREEN = range(8)
