"""``wattq run`` and ``wattq compare``: simulations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from wattq.cli.cleaning import with_cleaning
from wattq.cli.progress import progress_bar
from wattq.cli.values import check_tau, pairs

__all__ = ["compare", "run"]

ENGINE_HELP = "What simulates: embedded (in this process) or batsim (Batsim 4.2 with pybatsim)."
TIMEOUT_HELP = "Longest time that Batsim and the scheduler may run, s (with the engine batsim; default: a week)."

BETA_HELP = "How far run times follow the hosts' speed, 0 to 1: one number, or QUEUE=NUMBER,... (embedded engine only)."


@with_cleaning
def run(
    platform: Annotated[str, typer.Option("--platform", "-p", help="Preset (platform show --list) or SimGrid XML.")],
    workload: Annotated[
        list[str],
        typer.Option(
            "--workload",
            "-w",
            help="SWF or Batsim JSON (also gzip, xz), or a name of wattq data list; repeatable.",
        ),
    ],
    policy: Annotated[str, typer.Option(help="Name of the scheduling policy.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the results; a run in it is replaced.")],
    param: Annotated[list[str] | None, typer.Option(help="Parameter of the policy, KEY=VALUE; repeatable.")] = None,
    energy: Annotated[
        bool, typer.Option("--energy", "-E", help="Count energy; the platform must state its powers.")
    ] = False,
    engine: Annotated[str, typer.Option(help=ENGINE_HELP)] = "embedded",
    simulation_timeout: Annotated[float | None, typer.Option(help=TIMEOUT_HELP)] = None,
    events: Annotated[Path | None, typer.Option(help="External events in Batsim's format.")] = None,
    tau: Annotated[float, typer.Option(help="Bound of the bounded slowdown, s.")] = 10.0,
    beta: Annotated[str | None, typer.Option(help=BETA_HELP)] = None,
    options: Any = None,
) -> None:
    """Simulate one policy; write Batsim's result files, summary.json, provenance.json and metrics.json."""
    check_tau(tau)
    params = pairs(param or [], "--param")

    from wattq.experiments.comparison import group_runs
    from wattq.experiments.engines import make_engine
    from wattq.experiments.experiment_model import PolicySpec, WorkloadSpec
    from wattq.experiments.inputs import find_platform, find_workload
    from wattq.experiments.runner import run_once
    from wattq.experiments.table import text_table
    from wattq.workloads import parse_beta

    share = None if beta is None else parse_beta(beta)
    plays = make_engine(engine, simulation_timeout)
    machine = find_platform(platform)
    specs = [WorkloadSpec(source=source, beta=share) for source in workload]
    tables = [find_workload(spec, index, options=options) for index, spec in enumerate(specs)]
    results = run_once(
        machine,
        tables,
        PolicySpec.model_construct(name=policy, params=params, label=None),
        output,
        energy=energy,
        events=events,
        labels=[spec.name for spec in specs],
        tau_s=tau,
        engine=plays,
    )
    typer.echo(text_table(group_runs([results], tau)))
    typer.echo(f"\nresults in {output}")


def compare(
    experiment: Annotated[str, typer.Argument(help="Experiment file (YAML), or the name of a shipped experiment.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder of the results.")] = None,
    engine: Annotated[str | None, typer.Option(help=f"{ENGINE_HELP} In place of the experiment's engine.")] = None,
    simulation_timeout: Annotated[float | None, typer.Option(help=TIMEOUT_HELP)] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that share the weeks of a study (default: 2).")] = None,
    part: Annotated[str | None, typer.Option(help="Weeks of a study: test or tuning (default: test).")] = None,
    workload: Annotated[
        list[str] | None,
        typer.Option("--workload", "-w", help="Only this workload of a study, by its label; repeatable."),
    ] = None,
    weeks: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many weeks of each log of a study.")
    ] = None,
) -> None:
    """Run every policy of an experiment; print the table, write comparison.csv and report.html.

    An experiment with weeks is a study: study.csv, weeks.csv, tables.md, study.json, pictures and report.html.
    """
    from wattq.experiments.experiment_file import find_experiment, load_experiment

    path = find_experiment(experiment)
    loaded = load_experiment(path)
    given = {"--workers": workers, "--part": part, "--weeks": weeks, "--workload": workload}
    _check_study_options(loaded, given)
    plays = None
    if engine is not None or simulation_timeout is not None:
        from wattq.experiments.engines import make_engine

        name = engine or loaded.engine
        limit = loaded.simulation_timeout_s if simulation_timeout is None and name == "batsim" else simulation_timeout
        plays = make_engine(name, limit)
    if loaded.is_study:
        _run_study(
            loaded, output or default_output(loaded), path, plays, (part or "test", workers, weeks, workload or [])
        )
    else:
        run_experiment(loaded, output or default_output(loaded), path, plays)


def _check_study_options(experiment: Any, options: Mapping[str, object]) -> None:
    """Refuse options of studies for an experiment that is none."""
    from wattq.errors import InvalidInputError

    given = next((name for name, value in options.items() if value is not None), None)
    if given is not None and not experiment.is_study:
        raise InvalidInputError(
            f"{given}: experiment {experiment.name} has no 'weeks', and the option is for studies; leave it out"
        )


def _run_study(
    experiment: Any, output: Path, path: Path, engine: Any, options: tuple[str, int | None, int | None, list[str]]
) -> None:
    """Run a study, print its tables and the places of its files."""
    from wattq.experiments.study import run_study, study_text, write_study

    part, workers, weeks, labels = options
    with progress_bar() as progress:
        study = run_study(
            experiment, output, base=path.parent, part=part, workers=workers, most_weeks=weeks,
            labels=labels, progress=progress,
            engine=engine,
        )  # fmt: skip
    files = write_study(study, output, path.name)
    typer.echo(study_text(study.groups))
    shown = [path for path in files if path.parent == output]
    pictures = [output / "pictures"] if len(shown) < len(files) else []
    typer.echo("\n" + "\n".join(map(str, [*shown, *pictures])))


def default_output(experiment: Any) -> Path:
    """Return the folder that an experiment names, or ``results/`` and its name."""
    from wattq.experiments.folders import folder_name

    return Path(experiment.outputs.directory or Path("results") / folder_name(experiment.name))


def run_experiment(experiment: Any, output: Path, path: Path, engine: Any = None) -> None:
    """Run an experiment and print its table and the places of its files."""
    from wattq.experiments.runner import compare as compare_policies
    from wattq.experiments.table import text_table

    with progress_bar() as progress:
        cases = compare_policies(
            experiment, output, base=path.parent, source=path.name, progress=progress, engine=engine
        )
    typer.echo(text_table(cases))
    names = ["comparison.csv", "report.html"] if experiment.outputs.report else ["comparison.csv"]
    typer.echo("\n" + "\n".join(str(output / name) for name in names))
