"""Beside a live Slurm: what would start when under another policy, and holding jobs that agreed to wait."""
