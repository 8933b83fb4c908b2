"""The work: the Workload table, readers, writers, cleaning and statistics."""
