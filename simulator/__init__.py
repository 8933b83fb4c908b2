"""What happens: the event kernel, energy integration and Batsim output files."""
