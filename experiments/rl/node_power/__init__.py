"""Study of the hourly node-power task: evaluation against rules and lower bounds, savings, pictures and sweeps."""
