"""Run the scheduler process: ``python -m wattq.schedulers.plugin``."""

from __future__ import annotations

from wattq.schedulers.plugin.runner import main

if __name__ == "__main__":
    main()
