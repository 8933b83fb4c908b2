"""``wattq surrogate explain``: why a model predicts what it predicts for a job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattq.cli.cleaning import with_cleaning
from wattq.cli.surrogate_train import BundleFile, Data, Json, Log, read_log
from wattq.workloads.options import CleaningOptions

__all__ = ["explain"]


@with_cleaning
def explain(
    bundle: BundleFile,
    log: Log,
    job: Annotated[str, typer.Option("--job", "-j", help="Name of the job.")],
    method: Annotated[str, typer.Option(help="permutation, or shap (extra 'explain').")] = "permutation",
    move: Annotated[str, typer.Option(help="How far other requests are to move the prediction.")] = "20%",
    below: Annotated[float | None, typer.Option(help="Value that they are to bring it below, instead.")] = None,
    orders: Annotated[
        int | None, typer.Option(min=1, help="Orders of the features that are sampled (default: 100, with shap 10).")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all that is drawn.")] = 0,
    plot: Annotated[Path | None, typer.Option(help="Picture of the contributions, .png or .svg.")] = None,
    runtime: Annotated[
        Path | None, typer.Option(help="Energy: bundle of run times (else the requested times).")
    ] = None,
    frequency: Annotated[float | None, typer.Option(help="Energy: clock that the jobs ask for, GHz.")] = None,
    clocks: Annotated[str, typer.Option(help="Energy: clocks that can be asked for, such as 1.5,2.0,2.25.")] = "",
    beta: Annotated[float, typer.Option(help="Share of the run time that follows the clock (--clocks).")] = 1.0,
    data: Data = None,
    as_json: Json = False,
    options: CleaningOptions | None = None,
) -> None:
    """Print what each feature adds to a job's prediction, and the smallest change of its request that moves it."""
    from wattq.surrogates.bundle import load_bundle
    from wattq.surrogates.explain.counterfactual import Aim
    from wattq.surrogates.explain.energy import EnergyQuestion, explain_energy
    from wattq.surrogates.explain.job import ExplainOptions, explain_runtime
    from wattq.surrogates.explain.text import explanation_json, explanation_lines

    chosen = ExplainOptions(method, Aim(_share(move), below), orders=orders, seed=seed)
    loaded, given = load_bundle(bundle), _clocks(clocks)
    if loaded.kind == "energy":
        timed = None if runtime is None else load_bundle(runtime, kind="runtime")
        question = EnergyQuestion(timed, frequency, given, beta)
        found = explain_energy(loaded, read_log(log, data, options), job, chosen, question)
    else:
        _refuse(
            {
                "--runtime": runtime,
                "--frequency": frequency,
                "--clocks": given or None,
                "--beta": None if beta == 1.0 else beta,
            },
            bundle,
        )
        found = explain_runtime(loaded, read_log(log, data, options), job, chosen)
    if plot is not None:
        from wattq.experiments.plots.contributions import write_contributions

        write_contributions(found, plot)
    typer.echo(explanation_json(found) if as_json else "\n".join(explanation_lines(found)))


def _share(text: str) -> float:
    from wattq.errors import SurrogateError

    try:
        return float(text.removesuffix("%")) / (100.0 if text.endswith("%") else 1.0)
    except ValueError:
        raise SurrogateError(f"--move {text[:40]}: give a share such as 20% or 0.2") from None


def _clocks(text: str) -> tuple[float, ...]:
    from wattq.errors import SurrogateError

    try:
        return tuple(float(word) for word in text.split(",") if word.strip())
    except ValueError:
        raise SurrogateError(f"--clocks {text[:60]}: give clocks in GHz such as 1.5,2.0,2.25") from None


def _refuse(given: dict[str, object], bundle: Path) -> None:
    from wattq.errors import SurrogateError

    for name, value in given.items():
        if value is not None:
            raise SurrogateError(f"{name}: it is for bundles of energy, and {bundle} is one of run times; leave it out")
