"""The studies: experiment files, runner, metrics, plots and reports."""
