"""The numbers by which compiled code tells the built-in policies apart."""

from __future__ import annotations

__all__ = ["CONSERVATIVE", "EASY", "EASY_BF", "EASY_FAST", "FCFS", "FILLER"]

FCFS, FILLER, EASY, EASY_FAST, EASY_BF, CONSERVATIVE = range(6)
