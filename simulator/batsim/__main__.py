"""`python -m wattq.simulator.batsim`, the same as `wattq-batsim`."""

from wattq.simulator.batsim.main import main

main()
