"""``wattq surrogate``: predictions of run time and energy, from a log to a model in a file."""

from __future__ import annotations

import typer

from wattq.cli import surrogate_energy, surrogate_evaluate, surrogate_explain, surrogate_train

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Train, measure, explain and use predictions of run time and energy.")
app.command("features")(surrogate_train.features)
app.command("train")(surrogate_train.train)
app.command("predict")(surrogate_train.predict)
app.command("show")(surrogate_train.show)
app.command("explain")(surrogate_explain.explain)
app.command("evaluate")(surrogate_evaluate.evaluate)
app.command("tune")(surrogate_evaluate.tune)
app.command("label-energy")(surrogate_energy.label_energy)
app.command("train-energy")(surrogate_energy.train_energy)
app.command("evaluate-energy")(surrogate_energy.evaluate_energy)
app.command("predict-energy")(surrogate_energy.predict_energy)
app.command("clusters")(surrogate_energy.clusters)
app.command("anomalies")(surrogate_energy.anomalies)
