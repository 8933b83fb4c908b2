"""Studies: weeks of logs on grids' calendars, every policy on each, energy, CO2e, cost and service with intervals."""
