"""Slurm's hooks: energy of each job from prolog to epilog, power caps, and nodes switched off and on.

Names are imported when they are first used.
"""
