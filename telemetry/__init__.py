"""Measurements from real machines (not built yet)."""
