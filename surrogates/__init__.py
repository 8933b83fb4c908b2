"""Predictions of run time and energy (not built yet)."""
