"""``python -m wattq.telemetry.slurm``: the one entry of all hooks."""

from __future__ import annotations

import sys

from wattq.telemetry.slurm.entry import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
